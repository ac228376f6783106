"""Rows of what the data path takes: faces, tracks, reading crops, and how each grows with the data."""

from typing import Any

from benchmarks.page.table import Aim, Figure, Results, Row, at_least


def faces(results: Results) -> list[Row]:
    """From videos to crops."""

    def of(kind: str, *names: str) -> list[float]:
        found = results[f"preprocess-{kind}"]["ratios"]["720p_c23"]
        return [float(found[name]) for name in names]

    def figures(values: list[float], *aims: Aim, form: str = ".2f") -> list[Figure]:
        return [Figure(value, form, aim) for value, aim in zip(values, aims, strict=True)]

    crop = ("crop_i420/decode", "crop_webp/decode")
    engines = {row["tasks"]: row["one/two"] for row in results["engines"]["rows"]}
    return [
        Row("crop stage / decoding alone, real clips: i420; WebP", "", figures(of("real", *crop), Aim(1.6), Aim(2.1))),
        Row(
            "the same for a rendered face that fills the frame",
            "",
            figures(of("rendered", *crop), Aim(1.6), Aim(2.1), form=".1f"),
        ),
        Row(
            "15 variants of a video with detection / decoding alone, real clips: i420; WebP",
            "",
            figures(of("real", "group_i420/decode", "group_webp/decode"), Aim(1.9), Aim(2.4)),
        ),
        Row(
            "the field's usual way / ours, real clips: i420; WebP",
            "",
            figures(of("real", "usual/group_i420", "usual/group_webp"), at_least(40), at_least(30), form=".0f"),
        ),
        Row(
            "… where each video has a detection of its own",
            "",
            figures(
                of("real", "usual/own_detection_i420", "usual/own_detection_webp"), at_least(7), at_least(7), form=".1f"
            ),
        ),
        Row(
            "crop stage, one process / two: 4 videos; 16 videos (start of the processes included)",
            "",
            [Figure(engines[4], ".1f"), Figure(engines[16], ".1f", at_least(1.8))],
        ),
    ]


def tracks(results: Results) -> list[Row]:
    """Shared tracks against the official detector's boxes."""

    def of(kind: str, key: str, aim: Aim) -> list[Figure]:
        found = results[f"tracks-{kind}"]["agreement"]
        return [Figure(found[quality][key], ".2f", aim) for quality in ("480p_c23", "720p_c23")]

    rows = []
    for kind, clips in (("real", "three real clips"), ("unseen", "four others"), ("rendered", "a rendered face")):
        rows += [
            Row(f"{clips}, 480p; 720p: median IoU", "", of(kind, "iou_median", at_least(0.92))),
            Row("… 5th percentile", "", of(kind, "iou_p5", at_least(0.82))),
            Row("… share of the face that is covered, median", "", of(kind, "covered_median", at_least(0.9))),
        ]
    return rows


def reading(results: Results) -> list[Row]:
    """Crops from files to batches."""
    kinds = [results["shards"]["encodings"][name] for name in ("i420", "webp")]

    def both(key: str, aim: Aim | None, form: str = ".2f") -> list[Figure]:
        return [Figure(kind[key], form, aim) for kind in kinds]

    loose = [kind["reads_per_s"]["loose_same"] / kind["reads_per_s"]["parquet_planned"] for kind in kinds]
    draws = results["draws"]
    workers = draws["memory"]
    grown = workers["all"]["private_mb_per_worker"] - workers["64_crops"]["private_mb_per_worker"]
    return [
        Row("shuffled parquet / decoding alone, 320 px: i420; WebP", "", both("parquet/decode", Aim(1.05))),
        Row("… / decoding into a batch", "", both("parquet/decode_batch", None)),
        Row("… / the same bytes from loose files", "", [Figure(value) for value in loose]),
        Row("… times faster than loose PNG files with PIL", "", both("loose_png/parquet", at_least(1.3), ".1f")),
        Row("different videos in a batch, share of a full shuffle's", "", both("distinct_share", at_least(0.8))),
        Row(
            "share of the row groups that one forgery and quality of ten touch",
            "",
            [Figure(results["shards"]["pruning"]["share"], ".2f", Aim(0.1))],
        ),
        Row(
            f"random draws from {draws['files']} crop files, {draws['crops'] / 1e6:.1f} million crops "
            "/ decoding alone; / into a batch",
            "",
            [Figure(draws["store/decode"]), Figure(draws["store/decode_batch"], ".2f", Aim(1.12))],
        ),
        Row("… through parquet's row groups / decoding alone", "", [Figure(draws["row_groups/decode"], ".1f")]),
        Row("… bytes read / bytes used", "", [Figure(draws["bytes_read/used"], ".2f", Aim(1.0))]),
        Row("… private memory per worker that this size costs", "MB", [Figure(grown, ".0f", Aim(20))]),
    ]


def growth(results: Results) -> list[Row]:
    """How the work grows with the data."""
    steps: dict[str, Any] = {row["step"]: row for row in results["scale"]["steps"]}
    dvc = results["dvc"]["cpu_seconds"]

    def power(*names: str) -> list[Figure]:
        found = [max(steps[name]["exponent"], steps[name]["last"]) for name in names]
        return [Figure(value, ".2f", Aim(1.15)) for value in found]

    def largest(name: str) -> int:
        return int(steps[name]["sizes"][-1])

    videos, crops = largest("plan_crop"), largest("shard") / 1e6
    return [
        Row(
            f"DVC at {dvc['stages']} stages: nothing to do; the end of a stage under `train-all`",
            "CPU s",
            [Figure(dvc["nothing_to_do"], ".1f", Aim(12)), Figure(dvc["stage_by_train_all"], ".2f", Aim(1.2))],
        ),
        Row(
            f"inventory of {largest('inventory'):,} videos: first; again",
            "CPU s",
            [Figure(steps[name]["s"][-1], ".0f") for name in ("inventory", "inventory_again")],
        ),
        Row("growth of the inventory: first; again", "", power("inventory", "inventory_again")),
        Row(
            f"growth of `shard`, sampler, start of the loader, to {crops:.1f} million crops",
            "",
            power("shard", "sampler_start", "loader_start"),
        ),
        Row(
            f"growth of the task lists of `locate` and `crop`, to {videos:,} videos",
            "",
            power("plan_locate", "plan_crop"),
        ),
        Row(f"growth of `evaluate`, to {largest('evaluate_run'):,} scores", "", power("evaluate_run")),
        Row(
            f"growth of `tables`, `report`, `dvc status`, to {largest('tables')} runs",
            "",
            power("tables", "report", "dvc_status"),
        ),
    ]
