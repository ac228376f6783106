from dataclasses import replace

import pytest

from deepfake_adv.planning.datapath import crop_side, data_costs
from deepfake_adv.planning.workload import read_workload


@pytest.fixture
def costs(profile, rates):
    """Costs by stage of an altered profile; `times` multiplies its videos."""

    def reckon(name="paper", times=1, workers=1, **changes):
        params = profile(name, **changes)
        load = read_workload(params)
        parts = [
            replace(
                part,
                videos=tuple(replace(videos, count=times * videos.count) for videos in part.videos),
                listed=times * part.listed,
                listed_megabytes=times * part.listed_megabytes,
                targets=times * part.targets,
            )
            for part in load.parts
        ]
        return {cost.stage: cost for cost in data_costs(params, replace(load, parts=tuple(parts)), rates, workers)}

    return reckon


def test_real_datasets_need_no_corpus(costs):
    assert list(costs()) == ["inventory", "extract", "locate", "crop", "shard"]
    assert next(iter(costs("demo"))) == "corpus"


@pytest.mark.parametrize("stage", ["inventory", "extract", "locate", "crop", "shard"])
def test_ten_times_the_videos_are_ten_times_the_work(costs, stage):
    one, ten = costs()[stage], costs(times=10)[stage]
    assert ten.cpu_s == pytest.approx(10 * one.cpu_s, rel=0.01)
    assert ten.left == pytest.approx(10 * one.left)
    assert ten.read == pytest.approx(10 * one.read)
    assert ten.count == 10 * one.count


def test_a_worker_takes_no_more_memory_for_more_videos(costs):
    for stage in ("extract", "locate", "crop"):
        assert costs(times=10)[stage].memory == costs()[stage].memory
    assert costs(times=10)["shard"].memory > costs()["shard"].memory


def test_workers_load_the_code_again(costs, rates):
    rates._values["start.crop.worker"] = 2.0
    parts = 5
    assert costs(workers=8)["crop"].cpu_s - costs()["crop"].cpu_s == pytest.approx(parts * 8 * 2.0)


def test_a_store_of_frames_is_written_and_then_read(costs):
    index, frames = costs(), costs(extract__store="frames")
    assert frames["extract"].left > 1000 * index["extract"].left
    assert frames["extract"].cpu_s > index["extract"].cpu_s
    assert frames["crop"].read != index["crop"].read


def test_the_official_policy_looks_at_every_frame_of_every_video(costs, rates):
    rates._values["locate.megapixel_looked"] = 1.0
    shared, official = costs()["locate"], costs(locate__policy="official")["locate"]
    assert official.count == 18_949
    assert shared.count == 1000 + 3431 + 178
    assert official.cpu_s > 50 * shared.cpu_s
    assert costs(locate__every=5)["locate"].cpu_s > 1.5 * shared.cpu_s


def test_no_frame_is_looked_at_larger_than_allowed(costs, rates):
    rates._values["locate.megapixel_looked"] = 1.0
    assert costs(locate__max_pixels=100_000)["locate"].cpu_s < costs()["locate"].cpu_s / 2


def test_another_locator_is_not_guessed(costs):
    found = costs(locate__backend="face_alignment")["locate"]
    assert found.cpu_s is None
    assert found.note == "not measured with face_alignment"


def test_masks_are_read_and_encodings_differ(costs, rates):
    assert costs(crop__masks=False)["crop"].cpu_s < costs()["crop"].cpu_s
    rates._values |= {f"bytes_per_pixel.{quality}.png": 2e-3 for quality in ("raw", "c23", "c40")}
    assert costs(crop__encoding="png")["crop"].left > costs()["crop"].left


def test_a_crop_is_a_share_of_a_small_frame_and_bounded_in_a_large_one(profile, rates):
    videos = read_workload(profile()).parts[0].videos[0]
    assert crop_side(replace(videos, side=160), rates) == pytest.approx(112)
    assert crop_side(replace(videos, side=1080), rates) == 320
