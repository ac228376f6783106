"""The data path's stages: CPU seconds, bytes and memory, from the workload and the measured rates."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from deepfake_adv.faces.policy import POLICIES
from deepfake_adv.names import Quality
from deepfake_adv.params.schema import Params
from deepfake_adv.planning.cost import Cost
from deepfake_adv.planning.rates import Rates
from deepfake_adv.planning.workload import PartLoad, Videos, Workload

CROP_SIDE: Final = 320
"""Largest crop assumed, pixels: that of FaceForensics++'s faces with their margin, as in the benchmarks."""

_MEGA: Final = 1e6


def crop_side(videos: Videos, rates: Rates) -> float:
    """Side of a crop, pixels: a rendered face's share of the frame, or `CROP_SIDE`."""
    return min(rates["crop_share"] * videos.side, CROP_SIDE)


def data_costs(params: Params, workload: Workload, rates: Rates, workers: int) -> Iterator[Cost]:
    """Stages from `corpus` to `shard`, in their order.

    Args:
        params: Params of a profile.
        workload: Amount of work.
        rates: Measured rates.
        workers: Processes that a stage starts.
    """
    if params.corpus.source != "none":
        yield _corpus(params, rates, workers)
    yield _inventory(workload, rates, workers)
    yield _extract(params, workload, rates, workers)
    yield _locate(params, workload, rates, workers)
    yield _crop(params, workload, rates, workers)
    yield _shard(params, workload, rates)


def _start(stage: str, tasks: float, rates: Rates, workers: int, more: float = 0.0) -> float:
    """Seconds to start a stage and its workers; each worker imports the code, and loads models in `more` seconds."""
    started = min(workers, math.ceil(tasks)) if workers > 1 and tasks > 1 else 0
    return rates[f"start.{stage}.cpu_s"] + more + started * (rates[f"start.{stage}.worker"] + more)


def _worker(stage: str, workload: Workload, rates: Rates) -> float:
    """Peak memory of a worker, bytes: its size at the start, and frames of the largest part."""
    start, peak = rates[f"start.{stage}.mb"], rates[f"worker_mb.{stage}"]
    pixels = max((videos.megapixels for part in workload.parts for videos in part.videos), default=0)
    return _MEGA * (start + max(peak - start, 0) * max(pixels / rates["worker_mb.megapixels"], 1))


def _corpus(params: Params, rates: Rates, workers: int) -> Cost:
    corpus = params.corpus
    pairs = sum(corpus.pairs.model_dump().values())
    side = corpus.size if corpus.source == "procedural" else corpus.max_shorter_side
    pixels = pairs * corpus.frames * side**2 / _MEGA
    seconds = pairs * rates["corpus.pair"] + pixels * rates["corpus.megapixel"]
    seconds += _start("corpus", pairs, rates, workers)
    return Cost(
        "corpus", pairs, "pairs", seconds, left=pixels * rates["corpus.megapixel_bytes"],
        memory=_MEGA * rates["worker_mb.corpus"], note="" if corpus.source == "procedural" else "of rendered faces",
    )  # fmt: skip


def _inventory(workload: Workload, rates: Rates, workers: int) -> Cost:
    listed = sum(part.listed for part in workload.parts)
    megabytes = sum(part.listed_megabytes for part in workload.parts)
    seconds = _start("inventory", listed, rates, workers) + rates["inventory.constant"]
    seconds += listed * rates["inventory.row"] + megabytes * rates["inventory.megabyte"]
    memory = rates["start.inventory.mb"] + rates["inventory.row_mb"] * listed
    unsized = [part.name for part in workload.parts if part.listed and not part.listed_megabytes]
    note = f"the size in bytes of {', '.join(unsized)} is not known" if unsized else ""
    return Cost(
        "inventory", listed, "videos", seconds, read=megabytes * _MEGA, left=listed * rates["inventory.row_bytes"],
        memory=memory * _MEGA, note=note,
    )  # fmt: skip


def _each(parts: Sequence[PartLoad]) -> Iterator[tuple[PartLoad, Videos]]:
    return ((part, videos) for part in parts for videos in part.videos)


def _decode(videos: Videos, rates: Rates) -> float:
    """Seconds to read one video completely."""
    pixels = videos.frames * videos.megapixels
    return rates["decode.video"] + pixels * rates["decode.megapixel"] + videos.megabytes * rates["decode.megabyte"]


def _read(params: Params, part: PartLoad, videos: Videos, rates: Rates) -> float:
    """Seconds to read one video's sampled frames as `extract` stored them."""
    if params.extract.store == "index":
        return _decode(videos, rates)
    pixels = videos.sampled * videos.megapixels
    megabytes = _stored(params, part, videos, rates) / _MEGA
    read = pixels * rates["decode_store.megapixel"] + megabytes * rates["decode_store.megabyte"]
    return rates["decode_store.video"] + read


def _stored(params: Params, part: PartLoad, videos: Videos, rates: Rates) -> float:
    """Bytes of one video's stored sampled frames."""
    if params.extract.store == "index":
        return videos.megabytes * _MEGA
    return videos.sampled * videos.megapixels * _MEGA * rates[f"bytes_per_pixel.{_quality(part)}.frames"]


def _quality(part: PartLoad) -> str:
    return str(Quality.C23) if part.quality == Quality.NATIVE else part.quality


def _extract(params: Params, workload: Workload, rates: Rates, workers: int) -> Cost:
    seconds = sum(_start("extract", part.count, rates, workers) for part in workload.parts)
    read = left = 0.0
    for part, videos in _each(workload.parts):
        one = rates["extract_index.video"] + videos.frames * rates["extract_index.frame"]
        one += videos.megabytes * rates["extract_index.megabyte"]
        left += videos.count * videos.sampled * rates["extract_index.frame_bytes"]
        if params.extract.store == "frames":
            written = videos.sampled * videos.megapixels
            one += _decode(videos, rates) + rates["extract_frames.video"] + written * rates["extract_frames.megapixel"]
            left += videos.count * _stored(params, part, videos, rates)
        seconds += videos.count * one
        read += videos.count * videos.megabytes * _MEGA
    count = sum(part.count for part in workload.parts)
    return Cost("extract", count, "videos", seconds, read=read, left=left, memory=_worker("extract", workload, rates))


def _locate(params: Params, workload: Workload, rates: Rates, workers: int) -> Cost:
    section = params.locate
    shared = POLICIES[section.policy].shared
    look = rates["locate.megapixel_looked"] * (rates["locate_fast_share"] if section.policy == "fast" else 1)
    doubled = section.backend.model_dump().get("upsample")  # measured with one doubling
    look *= 1 if doubled is None or section.policy == "fast" else 4.0 ** (doubled - 1)
    loaded = rates["points.load"] if section.landmarks.name != "none" else 0.0
    seconds = 0.0
    groups = read = rows = 0.0
    for parts in workload.datasets().values():
        lead = parts[:1] if shared else parts
        videos_of_lead = sum(part.count for part in lead)
        found = float(parts[0].targets) if shared else float(videos_of_lead)
        weight = found / videos_of_lead if videos_of_lead else 0  # for each video of the first quality
        groups += found
        seconds += _start("locate", found, rates, workers, loaded)
        for part, videos in _each(lead):
            looks = videos.sampled
            if shared:  # every n-th and the last frame, and more where neighbours disagree
                looks = min(looks, rates["looks.per_stride"] * videos.sampled / section.every + 1)
            one = rates["locate.video"] + _read(params, part, videos, rates) + videos.sampled * rates["locate.frame"]
            one += looks * min(videos.megapixels, section.max_pixels / _MEGA) * look
            if section.landmarks.name != "none":
                one += _read(params, part, videos, rates)
                one += videos.sampled * (rates["points.frame"] + videos.megapixels * rates["points.megapixel"])
            seconds += weight * videos.count * one
            read += weight * videos.count * _stored(params, part, videos, rates)
            rows += videos.crops if shared else 0  # one box for all qualities
        rows += 0 if shared else sum(part.crops() for part in parts)
    own = sorted({name for name in (section.backend.name, section.landmarks.name) if name not in ("dlib", "none")})
    return Cost(
        "locate", groups, "tracks", None if own else seconds, read=read, left=rows * rates["locate.row_bytes"],
        memory=_worker("locate", workload, rates), note=f"not measured with {' and '.join(own)}" if own else "",
    )  # fmt: skip


def _crop(params: Params, workload: Workload, rates: Rates, workers: int) -> Cost:
    kind = params.crop.encoding
    seconds = sum(_start("crop", part.count, rates, workers) for part in workload.parts)
    read = left = 0.0
    for part, videos in _each(workload.parts):
        pixels = crop_side(videos, rates) ** 2
        one = _read(params, part, videos, rates) + rates[f"crop_{kind}.video"]
        size = pixels * rates[f"bytes_per_pixel.{_quality(part)}.{kind}"]
        one += videos.sampled * rates[f"crop_{kind}.crop"] + videos.sampled / _MEGA * (
            pixels * rates[f"crop_{kind}.megapixel"] + size * rates[f"crop_{kind}.megabyte"]
        )
        if params.crop.masks:  # a mask's video is read completely as well
            whole = videos.frames * videos.megapixels
            one += videos.masked * (rates["decode.video"] + whole * rates["decode.megapixel"])
        seconds += videos.count * one
        read += videos.count * _stored(params, part, videos, rates)
        left += videos.crops * (size + rates["crop.row_bytes"])
    count = sum(part.crops() for part in workload.parts)
    return Cost("crop", count, "crops", seconds, read=read, left=left, memory=_worker("crop", workload, rates))


def _shard(params: Params, workload: Workload, rates: Rates) -> Cost:
    rows = {tier: sum(part.crops() for part in workload.tier(tier)) for tier in params.tiers}
    total, most = sum(rows.values()), max(rows.values(), default=0)
    seconds = (rates["start.shard.cpu_s"] + rates["shard.constant"]) * len(rows) + total * rates["shard.row"]
    memory = rates["start.shard.mb"] + most * rates["shard.row_mb"]
    return Cost(
        "shard", total, "crops", seconds, longest_s=rates["shard.constant"] + most * rates["shard.row"],
        left=total * rates["manifest.row_bytes"], memory=memory * _MEGA, parallel=False,
    )  # fmt: skip
