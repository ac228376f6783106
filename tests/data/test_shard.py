from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.crops.files import CROP_WRITE_OPTIONS, crop_schema
from deepfake_adv.data.manifest import MANIFEST_SCHEMA, crop_file_rows, read_manifest
from deepfake_adv.data.shard import balance_train, check_conflicts, find_leaks, make_manifests, part_files
from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.files import read_json

PARTS = [("toy", "c23"), ("toy", "c40")]
CHOICE = {"parts": PARTS, "balance": "none", "detected_only": False, "max_frames": None, "leaks": "fatal", "seed": 0}


def crop(video="NT/001_002", frame=0, split="train", **changes):
    """A crop row; ids are read off the video's name."""
    forgery, name = video.split("/")
    target, _, source = name.partition("_")
    row = {
        "image": {"bytes": b"pixels", "path": "x.png"},
        "mask": None if forgery == "real" else {"bytes": b"mask", "path": "m.png"},
        "video": video, "frame": frame, "time": frame / 25, "label": int(forgery != "real"), "forgery": forgery,
        "quality": "c23", "split": split, "dataset": "toy", "target": target, "source": source or None,
        "box_x": 0, "box_y": 0, "box_side": 8,
        "face_x0": 0.0, "face_y0": 0.0, "face_x1": 8.0, "face_y1": 8.0, "detected": True, "width": 9, "height": 9,
        "encoding": "png", "landmarks": None,
    }  # fmt: skip
    return {**row, **changes}


def write(folder, rows, name=None, dataset="toy", quality="c23"):
    path = folder / "crops" / dataset / quality / (name or f"{rows[0]['forgery']}-{rows[0]['split']}-000.parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**row, "dataset": dataset, "quality": quality} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=crop_schema()), path, row_group_size=32, **CROP_WRITE_OPTIONS)
    return path


def manifests(folder, tier="c23", **changes):
    summary = make_manifests(
        tier, folder / "crops", folder / "inventory", folder / "manifests" / tier, **{**CHOICE, **changes}
    )
    return summary, {
        name: pq.read_table(folder / "manifests" / tier / f"{name}.parquet") for name in ("train", "val", "test")
    }


def table(rows):
    return pa.Table.from_pylist(
        [
            {**row, "has_mask": False, "file": "f", "row_group": 0, "row": k, "file_fingerprint": "0"}
            for k, row in enumerate(rows)
        ],
        schema=MANIFEST_SCHEMA,
    )


@pytest.fixture
def folder(tmp_path):
    """Two closed pairs in train and test, at two qualities."""
    for quality in ("c23", "c40"):
        for split, (a, b) in (("train", ("001", "002")), ("test", ("003", "004"))):
            write(
                tmp_path,
                [crop(f"NT/{x}_{y}", k, split) for x, y in ((a, b), (b, a)) for k in range(30)],
                quality=quality,
            )
            write(tmp_path, [crop(f"real/{x}", k, split) for x in (a, b) for k in range(50)], quality=quality)
    return tmp_path


def test_a_row_leads_back_to_its_crop(folder):
    summary, tables = manifests(folder, "all")
    assert summary["crops"] == 2 * 2 * 160
    for split, rows in tables.items():
        assert rows.schema.equals(MANIFEST_SCHEMA)
        for row in rows.to_pylist()[::37]:
            assert row["split"] == split
            file = pq.ParquetFile(folder / row["file"])
            found = file.read_row_group(row["row_group"]).slice(row["row"], 1).to_pylist()[0]
            assert all(
                found[name] == row[name] for name in ("video", "frame", "forgery", "quality", "target", "source")
            )
            assert row["has_mask"] == (found["mask"] is not None)
    assert len(tables["val"]) == 0


def test_a_tier_holds_its_own_quality(folder):
    _, tables = manifests(folder, "c40")
    assert set(tables["train"]["quality"].to_pylist()) == {"c40"}
    with pytest.raises(FileNotFoundError, match="got none for 'raw' in any part"):
        manifests(folder, "raw")


def test_crops_of_parts_that_params_no_longer_name_are_left_alone(folder):
    write(folder, [crop("real/009", 0)], dataset="old")
    for tier in ("c23", "all"):
        _, tables = manifests(folder, tier)
        assert set(tables["train"]["dataset"].to_pylist()) == {"toy"}
    summary, _ = manifests(folder, "all", parts=[("old", "c23")])
    assert summary["crops"] == 1


def test_videos_of_one_name_in_two_datasets_stay_two(folder):
    """With other splits, at that: 001 is trained on in one and tested on in the other."""
    for video in ("real/001", "NT/001_002"):
        write(folder, [crop(video, k, "test", target="mine") for k in range(5)], dataset="mine")
    write(folder, [crop("real/003", k, target="hers") for k in range(7)], dataset="mine")
    alone, _ = manifests(folder)
    summary, _ = manifests(folder, parts=[*PARTS, ("mine", "c23")])
    assert summary["crops"] == alone["crops"] + 2 * 5 + 7
    assert summary["leaks"] == []
    for split, own in (("train", 7), ("test", 10)):
        read = read_manifest(folder / "manifests" / "c23" / f"{split}.parquet")
        mine = read.strings("dataset") == "mine"
        assert mine.sum() == own
        assert not set(read.videos[mine]) & set(read.videos[~mine])
        assert set(read.strings("target")[mine]) <= {"mine", "hers"}


def test_a_part_that_was_never_cut_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"found no folder .*toy/raw\. Run `dvc repro crop`"):
        manifests(folder, "all", parts=[*PARTS, ("toy", "raw")])
    (folder / "crops" / "toy" / "raw").mkdir()
    with pytest.raises(FileNotFoundError, match=r"got none for 'raw' in .*toy/raw"):
        manifests(folder, "raw", parts=[*PARTS, ("toy", "raw")])


def test_the_same_crops_give_the_same_bytes(folder):
    first = manifests(folder, balance="equal", max_frames=20) and [
        path.read_bytes() for path in sorted((folder / "manifests" / "c23").iterdir())
    ]
    manifests(folder, balance="equal", max_frames=20)
    assert first == [path.read_bytes() for path in sorted((folder / "manifests" / "c23").iterdir())]


def test_crops_without_a_detected_face_can_be_left_out(tmp_path):
    write(tmp_path, [crop(frame=k, detected=k % 3 > 0) for k in range(9)])
    write(tmp_path, [crop("real/001", k, detected=False) for k in range(4)])
    (tmp_path / "inventory" / "toy").mkdir(parents=True)
    for chosen, expected in ((False, {"NT/001_002": 9, "real/001": 4}), (True, {"NT/001_002": 6})):
        summary, tables = manifests(tmp_path, parts=PARTS[:1], detected_only=chosen)
        assert dict(Counter(tables["train"]["video"].to_pylist())) == expected
        assert (summary["crops_found"], summary["crops"]) == (13, sum(expected.values()))


def test_crops_are_read_once_and_a_row_group_at_a_time(folder, monkeypatch):
    """Memory holds a row group's bytes, however large the files are; metadata alone is read whole."""
    read, read_group = pq.ParquetFile.read, pq.ParquetFile.read_row_group
    whole, groups = [], []

    def watching(self, columns=None, **options):
        whole.extend(columns)
        return read(self, columns=columns, **options)

    def watching_groups(self, number, **options):
        groups.append(self.metadata.row_group(number).num_rows)
        return read_group(self, number, **options)

    monkeypatch.setattr(pq.ParquetFile, "read", watching)
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watching_groups)
    summary, _ = manifests(folder)
    assert whole
    assert not any(name.startswith("image") or name in ("mask", "mask.bytes") for name in whole)
    assert sum(groups) == summary["crops_found"]
    assert max(groups) <= 32


@pytest.mark.parametrize(
    ("video", "split", "leaking"),
    [("NT/005_001", "test", "toy/001"), ("real/001", "val", "toy/001"), ("NT/003_009", "train", "toy/003")],
)
def test_an_identity_in_two_splits_is_fatal_whether_target_or_source(folder, video, split, leaking):
    write(folder, [crop(video, 99, split)], name=f"{video.split('/')[0]}-{split}-009.parquet")
    if video == "real/001":
        with pytest.raises(ValueError, match="a video must have one split; got several for real/001"):
            manifests(folder)
        return
    with pytest.raises(ValueError, match=rf"no identity may be in two splits; got {leaking}"):
        manifests(folder)
    summary, _ = manifests(folder, leaks="tolerated")
    assert summary["leaks"] == [leaking]


def test_leaks_are_looked_for_within_a_dataset_and_a_closed_pair_is_none(folder):
    write(folder, [crop("real/001", 0, "test")], dataset="other")
    summary, _ = manifests(folder, parts=[*PARTS, ("other", "c23")])
    assert summary["leaks"] == []
    assert find_leaks(table([crop("NT/1_2"), crop("NT/3_2", split="val"), crop("NT/1_3", split="test")])) == [
        "toy/1", "toy/2", "toy/3",
    ]  # fmt: skip


def test_hired_actors_who_lend_their_faces_to_all_splits_are_no_leak():
    lent = [crop("DFR/001_W101"), crop("DFR/003_W101", split="test")]
    assert find_leaks(table(lent)) == []
    assert find_leaks(table([*lent, crop("DFR/001_W102", split="val")])) == ["toy/001"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([crop(frame=3), crop(frame=3)], "a crop must occur once; got NT/001_002 frame 3 twice"),
        ([crop(frame=1), crop(frame=2, label=0)], "a video must have one label; got several for NT/001_002"),
        ([crop(frame=1), crop(frame=2, split="val")], "a video must have one split; got several for NT/001_002"),
        ([crop(frame=1, label=0)], "label must be 0 for real and 1 for fake; got others for NT/001_002"),
    ],
)
def test_contradictions_are_named(rows, message):
    with pytest.raises(ValueError, match=message):
        check_conflicts(table(rows))


def test_equal_balance_gives_every_class_as_many_training_rows_evenly_over_videos():
    rows = table(
        [crop(f"real/{v}", k) for v in range(4) for k in range(10)]
        + [crop(f"NT/{v}_9", k) for v in range(6) for k in range(10)]
        + [crop(f"DF/{v}_9", k) for v in range(2) for k in range(9)]
        + [crop("NT/8_9", k, "test") for k in range(70)]
    )
    kept = rows.take(balance_train(rows, np.random.default_rng(0))).to_pylist()
    train = [row for row in kept if row["split"] == "train"]
    counts = {name: sum(row["forgery"] == name for row in train) for name in ("real", "NT", "DF")}
    assert counts == {"real": 18, "NT": 18, "DF": 18}
    assert len(kept) - len(train) == 70
    per_video = [sum(row["video"] == f"NT/{v}_9" for row in train) for v in range(6)]
    assert set(per_video) == {3}
    again = rows.take(balance_train(rows, np.random.default_rng(0))).to_pylist()
    other = rows.take(balance_train(rows, np.random.default_rng(1))).to_pylist()
    assert kept == again != other


def test_summary_counts_and_names_videos_lost_on_the_way(folder):
    path = folder / "inventory" / "toy" / "c23.csv"
    path.parent.mkdir(parents=True)
    row = VideoRow("real/001", 0, "real", "train", "001", "", "p", "", 1, "f", 9, 25.0, 9, 9, "ok", "")
    gone = [replace(row, video="real/007"), replace(row, video="real/008", status="unreadable")]
    path.write_text(format_rows([row, *gone]))
    summary, _ = manifests(folder)
    assert summary["lost"] == {"toy/c23": ["real/007"]}
    (folder / "inventory" / "toy" / "c40.csv").write_text(format_rows(gone))
    (folder / "crops" / "toy" / "c40").rename(folder / "kept")
    (folder / "crops" / "toy" / "c40").mkdir()
    assert manifests(folder, "all")[0]["lost"] == {"toy/c23": ["real/007"], "toy/c40": ["real/007"]}
    assert summary["counts"]["toy"]["c23"]["train"]["NT"] == {"crops": 60, "videos": 2, "masks": 60, "undetected": 0}
    assert summary == read_json(folder / "manifests" / "c23" / "summary.json")


def test_a_file_that_is_no_crop_file_is_named(folder):
    path = folder / "crops" / "toy" / "c23" / "bad.parquet"
    path.write_bytes(b"PAR1 cut short")
    with pytest.raises(ValueError, match=r"bad.parquet must be a complete crop file"):
        manifests(folder)
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(ValueError, match="other columns than a crop file has"):
        crop_file_rows(path, folder)


def test_a_filter_on_one_class_of_ten_touches_few_row_groups(tmp_path):
    """One forgery and quality of ten: statistics leave at most a tenth of the row groups."""
    paths = [
        write(
            tmp_path, [crop(f"{forgery}/{v:03d}_900", k, "test") for v in range(8) for k in range(40)], quality=quality
        )
        for quality in ("c23", "c40")
        for forgery in ("real", "DF", "F2F", "FS", "NT")
    ]
    kept = total = 0
    for path in paths:
        metadata = pq.read_metadata(path)
        for group in (metadata.row_group(k) for k in range(metadata.num_row_groups)):
            columns = {group.column(c).path_in_schema: group.column(c).statistics for c in range(group.num_columns)}
            total += 1
            kept += all(columns[n].min <= v <= columns[n].max for n, v in (("forgery", "NT"), ("quality", "c23")))
    assert total == 100
    assert kept == 10


def test_files_come_in_a_fixed_order(folder):
    files = part_files(folder / "crops", "all", PARTS)
    assert files == sorted(files)
    assert len(files) == 8
