"""Fabricated trees of every layout; the videos are stand-ins, since layouts look at names alone."""

import json

import pytest


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"video")


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


PAIRS = {"train": [["000", "001"], ["002", "003"]], "val": [["004", "005"]], "test": [["006", "007"]]}
IDS = [f"{number:03}" for number in range(8)]
SWAPS = [f"{number:03}_{number ^ 1:03}" for number in range(8)]


@pytest.fixture
def pairs():
    return PAIRS


@pytest.fixture
def trees(tmp_path):
    """Name of a layout to a function that makes its tree and gives root, forgeries, options, quality."""

    def splits(folder):
        for name, listed in PAIRS.items():
            write(folder / f"{name}.json", listed)

    def faceforensics(root):
        splits(root / "splits")
        touch(root, *(f"original_sequences/youtube/c23/videos/{name}.mp4" for name in IDS))
        for folder in ("Deepfakes", "NeuralTextures"):
            place = f"manipulated_sequences/{folder}"
            touch(root, *(f"{place}/c23/videos/{name}.mp4" for name in SWAPS))
            touch(root, *(f"{place}/masks/videos/{name}.mp4" for name in SWAPS))
        return root, ["DF", "NT"], {"splits": str(root / "splits")}, "c23"

    def dfd(root):
        fake = "manipulated_sequences/DeepFakeDetection"
        touch(root, *(f"original_sequences/actors/c23/videos/{name}.mp4" for name in ("24__talk_still", "23__kitchen")))
        touch(
            root, *(f"{fake}/c23/videos/{name}.mp4" for name in ("24_23__talk_still__YR5OVD4S", "23_24__kitchen__AA"))
        )
        touch(root, f"{fake}/masks/videos/24_23__talk_still__YR5OVD4S.mp4")
        return root, ["DFD"], {}, "c23"

    def celebdf(root, below=""):
        touch(root, *(f"Celeb-real/{below}{name}.mp4" for name in ("id0_0000", "id1_0000", "id2_0000", "id3_0000")))
        touch(root, *(f"YouTube-real/{below}{name}.mp4" for name in ("00000", "00001")))
        touch(
            root, *(f"Celeb-synthesis/{below}{name}.mp4" for name in ("id0_id1_0000", "id2_id3_0000", "id1_id2_0000"))
        )
        lines = ["1 YouTube-real/00000.mp4", "1 Celeb-real/id0_0000.mp4", "0 Celeb-synthesis/id0_id1_0000.mp4"]
        write(root / "List_of_testing_videos.txt", "\n".join(lines) + "\n")
        return root, ["CelebDF"], {}, "native"

    def dfdc(root):
        for part, real in ((0, "aa"), (35, "bb"), (40, "cc")):
            folder = f"dfdc_train_part_{part}"
            touch(root, f"{folder}/{real}.mp4", f"{folder}/{real}f.mp4")
            fake = {"label": "FAKE", "split": "train", "original": f"{real}.mp4"}
            write(root / folder / "metadata.json", {f"{real}.mp4": {"label": "REAL"}, f"{real}f.mp4": fake})
        touch(root, "test/videos/t0.mp4", "test/videos/t1.mp4")
        write(root / "test/labels.csv", "filename,label\nt0.mp4,0\nt1.mp4,1\n")
        return root, ["DFDC"], {}, "native"

    def dfdc_preview(root):
        videos = {
            "original_videos/1/1_A.mp4": {"label": "real", "set": "train", "target_id": "1"},
            "method_A/1_2/1_2_A.mp4": {"label": "fake", "set": "train", "target_id": "1", "swapped_id": "2"},
            "method_B/1_2/1_2_A.mp4": {"label": "fake", "set": "train", "target_id": "1", "swapped_id": "2"},
            "original_videos/3/3_A.mp4": {"label": "real", "set": "test", "target_id": "3"},
        }
        touch(root, *videos)
        write(root / "dataset.json", videos)
        return root, ["DFDCP"], {}, "native"

    def deeperforensics(root):
        originals, *_ = faceforensics(root.parent / "ff")
        splits = {"train": ["000_M1.mp4", "001_W2.mp4"], "val": ["004_M1.mp4"], "test": ["006_W2.mp4"]}
        for name, listed in splits.items():
            write(root / f"lists/splits/{name}.txt", "\n".join(listed) + "\n")
            touch(root, *(f"manipulated_videos/end_to_end/{video}" for video in listed))
        return root, ["DFR"], {"originals": str(originals)}, "native"

    def sladd(root):
        for name, listed in (("train", PAIRS["train"]), ("eval", PAIRS["val"]), ("test", PAIRS["test"])):
            write(root / f"config/{name}.json", listed)
        touch(root, *(f"image/real/{name}/0001.png" for name in IDS))
        touch(root, *(f"image/FF-NT/{name}/0001.png" for name in SWAPS))
        touch(root, *(f"mask/FF-NT/{name}/0001_mask.png" for name in SWAPS))
        return root, ["NT"], {}, "native"

    def lst(root):
        test = ["original_c23/006/006_000012_0.png REAL", "Deepfakes_c23/006_007/006_007_000012_0.png FAKE"]
        train = ["original_c23/000 REAL"] * 4 + ["NeuralTextures_c23/000_001 FAKE", "NeuralTextures_c40/000_001 FAKE"]
        touch(root, *(line.split()[0] for line in test), *(f"{line.split()[0]}/x_000001_0.png" for line in train))
        write(root / "test.lst", "\n".join(test))
        write(root / "train.lst", "\n".join(train) + "\n")
        return root, ["DF", "NT"], {"lists": {"train": "train.lst", "test": ["test.lst"]}}, "c23"

    def table(root):
        touch(root, "a/one.mp4", "b/one.mp4", "two.mp4")
        lines = [
            "path,label,split,forgery,source",
            "a/one.mp4,real,train,,",
            "b/one.mp4,fake,train,NT,three",
            "two.mp4,1,,,",
        ]
        write(root / "videos.csv", "\n".join(lines) + "\n")
        return root, [], {}, "native"

    made = {
        "faceforensics": faceforensics,
        "dfd": dfd,
        "celebdf": celebdf,
        "dfdc": dfdc,
        "dfdc_preview": dfdc_preview,
        "deeperforensics": deeperforensics,
        "sladd": sladd,
        "lst": lst,
        "csv": table,
    }
    return {name: lambda make=make, name=name, **more: make(tmp_path / name, **more) for name, make in made.items()}


@pytest.fixture
def put():
    """Write stand-ins for videos below a root."""
    return touch
