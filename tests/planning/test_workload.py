from dataclasses import replace

import pytest

from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.names import Condition
from deepfake_adv.planning.workload import read_workload


def row(video, forgery="real", split="train", target="000", frames=300, status="ok", mask=""):
    label = int(forgery != "real")
    facts = (f"{video}.mp4", mask, 4_000_000, "print", frames, 25.0, 640, 480, status, "")
    return VideoRow(f"{forgery}/{video}", label, forgery, split, target, "", *facts)


def put(folder, dataset, quality, rows):
    path = folder / "data/inventory" / dataset / f"{quality}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_rows(rows))


def part(workload, name):
    return next(part for part in workload.parts if part.name == name)


def test_a_profile_whose_datasets_are_nowhere_goes_by_published_numbers(profile):
    found = read_workload(profile())
    assert {part.source for part in found.parts} == {"published"}
    assert part(found, "ffpp_c23").count == 5000
    # Sec. IV: 270 frames of each of 720 videos, here of reals and four forgeries
    assert part(found, "ffpp_c23").crops("train") == 5 * 720 * 270
    assert part(found, "ffpp_raw").listed_megabytes == pytest.approx(500_000)
    assert part(found, "celebdf_native").count == 518  # what its list does not name is listed, and taken by no stage
    assert part(found, "celebdf_native").listed == 890 + 5639
    assert part(found, "dfd_c23").crops() == 3431 * 10


def test_the_corpus_goes_by_its_own_section(profile):
    params = profile(
        "demo", corpus__pairs={"train": 3, "val": 1, "test": 1}, corpus__dfd_pairs=2, corpus__celebdf_pairs=5
    )
    found, frames = read_workload(params), params.datasets["corpus"].frames.train
    assert {part.source for part in found.parts} == {"corpus"}
    assert part(found, "corpus_c23").count == 5 * 2 * 5  # two originals of a pair, and two fakes by each of four
    assert part(found, "corpus_c23").crops("train") == 5 * 2 * 3 * frames
    assert part(found, "corpus_c23").targets == 10
    assert part(found, "dfd_c23").crops() == 2 * 8 * params.datasets["dfd"].frames.test
    assert [(each.forgery, each.split, each.count) for each in part(found, "celebdf_native").videos] == [
        ("real", "test", 15), ("CelebDF", "test", 10)
    ]  # fmt: skip


def test_an_inventory_of_the_corpus_in_another_size_says_nothing(profile, tmp_path):
    """Where one profile has run, another may be planned."""
    params = profile("demo", corpus__pairs={"train": 1, "val": 1, "test": 1})
    rows = [row(f"{k:03d}", target=f"{k:03d}") for k in range(30)]
    put(tmp_path, "corpus", "c23", rows[:29])
    assert part(read_workload(params, tmp_path), "corpus_c23").source == "corpus"
    put(tmp_path, "corpus", "c23", rows)
    assert part(read_workload(params, tmp_path), "corpus_c23").source == "inventory"


def test_an_inventory_of_another_dataset_of_that_name_says_nothing(profile, tmp_path):
    """The demo's `dfd` is made by the corpus, the paper's are the 3,431 videos that were published."""
    put(tmp_path, "dfd", "c23", [row("24__kitchen", split="test", target="24__kitchen")])
    report = tmp_path / "data/inventory/report.csv"
    columns = "dataset,quality,forgery,present,expected"
    report.write_text(f"{columns}\ndfd,c23,real,1,1\ndfd,c23,DFD,0,0\n")
    assert part(read_workload(profile(), tmp_path), "dfd_c23").listed == 3431
    report.write_text(f"{columns}\ndfd,c23,real,1,363\ndfd,c23,DFD,0,3068\n")
    assert part(read_workload(profile(), tmp_path), "dfd_c23").listed == 1


def test_an_inventory_is_believed_before_anything_published(profile, tmp_path):
    rows = [row("000"), row("001", target="001", frames=50), row("000_001", "NT", mask="m.mp4")]
    rows += [row("002", target="002", status="missing"), row("003", target="003", split=""), row("x", status="empty")]
    put(tmp_path, "ffpp", "c23", rows)
    found = part(read_workload(profile()), "ffpp_c23")
    assert (found.source, found.count, found.listed) == ("inventory", 3, 5)
    assert found.crops("train", ["real"]) == 270 + 50  # no more than it has
    assert found.targets == 2
    assert next(videos for videos in found.videos if videos.forgery == "NT").masked == 1
    assert found.listed_megabytes == pytest.approx(20)


def test_faces_are_found_on_originals_on_fakes_without_one_and_on_all_of_dfd(profile, tmp_path):
    rows = [row("000"), row("000_001", "NT"), row("005_006", "NT", target="005")]
    put(tmp_path, "ffpp", "c23", rows)
    put(tmp_path, "dfd", "c23", [row("a", split="test"), *[row(f"{k}", "DFD", "test", "a") for k in range(3)]])
    found = read_workload(profile())
    assert part(found, "ffpp_c23").targets == 2
    assert part(found, "dfd_c23").targets == 4


def test_crops_of_a_condition(profile):
    found = read_workload(profile())
    assert found.of_condition("c23", Condition("NT", "c23"), "val") == (140 * 100, 140 * 100)
    reals, fakes = found.of_condition("all", Condition("FF", "all"), "train")
    assert (reals, fakes) == (3 * 720 * 270, 12 * 720 * 270)
    assert found.of_condition("c23", Condition("NT", "c40"), "val") == (0, 0)
    assert {part.quality for part in found.tier("all")} == {"raw", "c23", "c40", "native"}


def test_the_quality_that_faces_are_found_in_comes_first(profile):
    assert [part.quality for part in read_workload(profile()).datasets()["ffpp"]] == ["c23", "raw", "c40"]


def test_a_layout_that_says_no_number_is_named(profile):
    params = profile()
    dataset = params.datasets["ffpp"].model_copy(update={"layout": "sladd", "options": {}})
    found = read_workload(params.model_copy(update={"datasets": {**params.datasets, "ffpp": dataset}}))
    assert any("ffpp_c23: the size of a dataset of layout sladd is not known" in said for said in found.unknown)
    assert replace(found, unknown=()).parts[0].count == 0


def test_a_damaged_inventory_is_one_sentence(profile, tmp_path):
    put(tmp_path, "ffpp", "c23", [])
    (tmp_path / "data/inventory/ffpp/c23.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="must have the columns"):
        read_workload(profile())
