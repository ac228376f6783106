import json

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.crops.codec import resize
from deepfake_adv.crops.files import CROP_SCHEMA, CROP_WRITE_OPTIONS, CorruptCrop
from deepfake_adv.data.export import export_frames
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.video.read import probe

SIDE = 24


def png(pixels):
    return {"bytes": cv2.imencode(".png", pixels)[1].tobytes(), "path": "x.png"}


@pytest.fixture
def crops(tmp_path):
    """Write crops of videos, three frames each; gives the part's folder."""

    def make(*videos, dataset="ff", quality="c23"):
        folder = tmp_path / "crops" / dataset / quality
        folder.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for video, split, target, source in videos:
            forgery = video.partition("/")[0]
            rows = [
                dict.fromkeys(CROP_SCHEMA.names)
                | {"video": video, "frame": frame, "forgery": forgery, "split": split, "quality": quality}
                | {"target": target, "source": source, "encoding": "png", "box_side": SIDE, "dataset": dataset}
                | {"image": png(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8))}
                | {"mask": None if forgery == "real" else png(np.full((SIDE, SIDE), 7, np.uint8))}
                | {"landmarks": np.arange(136, dtype=np.float32)}
                for frame in (4, 7, 1000)
            ]
            path = folder / f"{forgery}-{split}-{video.partition('/')[2]}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, schema=CROP_SCHEMA), path, row_group_size=2, **CROP_WRITE_OPTIONS)
        return folder

    return make


FF = [
    (f"{forgery}/{target}" + (f"_{source}" if forgery != "real" else ""), split, target, source)
    for split, pair in (("train", "01"), ("val", "23"), ("test", "45"))
    for forgery in ("real", "NT")
    for target, source in ((pair[0], pair[1]), (pair[1], pair[0]))
]


def test_sladd_is_read_back_by_our_own_layout(crops, tmp_path):
    output = tmp_path / "FF"
    assert export_frames(crops(*FF), output, layout="sladd") == 36
    entries = list(build_layout("sladd", output, ["NT"], {}).videos("native"))
    assert {(e.video, e.split) for e in entries} == {(video, split) for video, split, *_ in FF}
    assert all(probe(output / entry.path).frames == 3 for entry in entries)
    assert all(probe(output / entry.mask_path).frames == 3 for entry in entries if entry.label)
    assert json.loads((output / "config/eval.json").read_text()) == [["2", "3"]]
    assert (output / "mask/FF-NT/0_1/0003_mask.png").exists()
    assert not (output / "mask/real").exists()


def test_pixels_survive_and_are_resized_on_demand(crops, tmp_path):
    folder = crops(*FF)
    export_frames(folder, tmp_path / "as-is", layout="sladd")
    export_frames(folder, tmp_path / "small", layout="sladd", size=16)
    row = pq.read_table(folder / "NT-train-0_1.parquet").to_pylist()[1]
    assert (tmp_path / "as-is/image/FF-NT/0_1/0002.png").read_bytes() == row["image"]["bytes"]
    small = np.empty((16, 16, 3), np.uint8)
    resize(cv2.imdecode(np.frombuffer(row["image"]["bytes"], np.uint8), cv2.IMREAD_COLOR), small)  # as training does
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "small/image/FF-NT/0_1/0002.png")), small)


def test_deepfakebench_names_every_file_it_writes(crops, tmp_path):
    export_frames(crops(*FF), tmp_path / "out", layout="deepfakebench", size=12)
    content = json.loads((tmp_path / "out/dataset_json/FaceForensics++.json").read_text())["FaceForensics++"]
    assert set(content) == {"FF-real", "FF-NT"}
    video = content["FF-NT"]["test"]["c23"]["4_5"]
    assert video["label"] == "FF-NT"
    folder = "FaceForensics++/manipulated_sequences/NeuralTextures/c23"
    assert video["frames"] == [f"{folder}/frames/4_5/{frame}.png" for frame in ("004", "007", "1000")]
    assert video["masks"][0] == f"{folder}/masks/4_5/004.png"
    real = content["FF-real"]["train"]["c23"]["0"]
    assert real["masks"] == []
    assert real["frames"][0].startswith("FaceForensics++/original_sequences/youtube/c23/frames/0/")
    assert all((tmp_path / "out" / path).exists() for path in video["frames"] + video["masks"] + real["frames"])
    points = np.load(tmp_path / "out" / folder / "landmarks/4_5/004.npy")
    assert points.dtype == np.float32
    np.testing.assert_allclose(points, (np.arange(136).reshape(68, 2) + 0.5) * 12 / SIDE - 0.5)  # pixel centres


def test_landmarks_stay_on_what_they_mark(crops, tmp_path):
    folder = crops(("real/a", "test", "a", None), dataset="own")
    path = next(folder.glob("*.parquet"))
    rows = pq.read_table(path).to_pylist()
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[16:20, 8:12] = 255  # centre: x 9.5, y 17.5
    rows = [row | {"image": png(picture), "landmarks": [9.5, 17.5] * 68} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=CROP_SCHEMA), path, **CROP_WRITE_OPTIONS)
    for size in (None, 12, 48):
        export_frames(folder, tmp_path / f"{size}", layout="deepfakebench", size=size)
        (image,), (points,) = (list((tmp_path / f"{size}").rglob(f"*004{suffix}")) for suffix in (".png", ".npy"))
        light = cv2.imread(str(image))[..., 0].astype(float)
        y, x = (np.average(grid, weights=light) for grid in np.indices(light.shape))
        np.testing.assert_allclose(np.load(points)[0], (x, y), atol=0.01)


def test_deepfakebench_knows_other_datasets(crops, tmp_path):
    folder = crops(("real/id0_0000", "test", "id0_0000", None), ("CelebDF/id0_id1_0000", "test", "id0_0000", "id1"))
    export_frames(folder, tmp_path / "out", layout="deepfakebench")
    content = json.loads((tmp_path / "out/dataset_json/Celeb-DF-v2.json").read_text())["Celeb-DF-v2"]
    assert set(content["CelebDFv2_fake"]["test"]) == {"id0_id1_0000"}
    own = crops(("real/a", "test", "a", None), dataset="own")
    export_frames(own, tmp_path / "own", layout="deepfakebench")
    assert set(json.loads((tmp_path / "own/dataset_json/own.json").read_text())["own"]) == {"own_real"}


def test_what_a_layout_cannot_hold(crops, tmp_path, caplog):
    celeb = crops(("CelebDF/id0_id1_0000", "test", "id0_0000", "id1"))
    with pytest.raises(ValueError, match=r"got CelebDF/id0_id1_0000\. Take deepfakebench"):
        export_frames(celeb, tmp_path / "out", layout="sladd")
    assert not (tmp_path / "out").exists()
    alone = crops(*FF, ("real/9", "test", "9", None), dataset="more")
    export_frames(alone, tmp_path / "out", layout="sladd")
    assert "test.json cannot name 9: they are in no fake" in caplog.text
    mixed = crops(*FF, ("DFDC/x", "test", "x", None), dataset="mixed")
    with pytest.raises(ValueError, match=r"one dataset; got DFDC, FaceForensics\+\+"):
        export_frames(mixed, tmp_path / "mixed", layout="deepfakebench")


def test_nothing_but_the_output_is_touched(crops, tmp_path):
    theirs = tmp_path / "out.partial"
    theirs.mkdir()
    (theirs / "mine.txt").write_text("precious")
    folder = crops(*FF)
    before = set(tmp_path.iterdir())
    path = next(folder.glob("*.parquet"))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"IDAT", b"IDAS", 1))
    with pytest.raises(CorruptCrop, match=rf"CRC checksum .*{path.name}"):
        export_frames(folder, tmp_path / "out", layout="sladd")
    assert set(tmp_path.iterdir()) == before
    path.write_bytes(content)
    export_frames(folder, tmp_path / "out", layout="sladd")
    assert (theirs / "mine.txt").read_text() == "precious"
    assert set(tmp_path.iterdir()) == before | {tmp_path / "out"}


def test_a_file_or_a_crop_that_is_damaged_is_named(crops, tmp_path):
    folder = crops(*FF)
    path = folder / "NT-train-0_1.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[1]["image"] = {"bytes": b"no picture", "path": "x.png"}
    pq.write_table(pa.Table.from_pylist(rows, schema=CROP_SCHEMA), path, **CROP_WRITE_OPTIONS)
    with pytest.raises(CorruptCrop, match=r"0_1\.parquet must hold crops that decode; frame 7 of NT/0_1 does not"):
        export_frames(folder, tmp_path / "out", layout="sladd")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"0_1\.parquet must be a complete crop file; got: "):
        export_frames(folder, tmp_path / "out", layout="sladd")


def test_wrong_arguments(crops, tmp_path):
    with pytest.raises(ValueError, match="layout must be one of sladd, deepfakebench; got 'png'"):
        export_frames(tmp_path, tmp_path / "out", layout="png")
    with pytest.raises(FileNotFoundError, match="Run `dvc repro crop`"):
        export_frames(tmp_path, tmp_path / "out", layout="sladd")
    pq.write_table(pa.table({"video": ["x"]}), tmp_path / "manifest.parquet")
    with pytest.raises(ValueError, match=r"manifest\.parquet must be a file of crops; got a table without box_side"):
        export_frames(tmp_path, tmp_path / "out", layout="sladd")
    with pytest.raises(FileExistsError, match="must not exist"):
        export_frames(crops(*FF), tmp_path, layout="sladd")


@pytest.mark.parametrize("layout", ["sladd", "deepfakebench"])
@pytest.mark.parametrize("name", ["../../../evil", "/tmp/evil", "a/../../evil", "C:evil", "a\\..\\..\\evil", "..", ""])
def test_nothing_is_written_outside_of_the_folder(crops, tmp_path, layout, name):
    folder = crops(("real/7", "test", "7", ""))
    path = next(folder.glob("*.parquet"))
    rows = pq.read_table(path).to_pylist()
    pq.write_table(pa.Table.from_pylist([row | {"video": f"real/{name}"} for row in rows], schema=CROP_SCHEMA), path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="must be a name that stays in the folder"):
        export_frames(folder, tmp_path / "out", layout=layout)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_the_way_is_refused(crops, tmp_path):
    folder = crops(*FF)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "absent")
    with pytest.raises(FileExistsError, match="must not exist"):
        export_frames(folder, tmp_path / "elsewhere", layout="sladd")
