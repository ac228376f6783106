"""What several test folders share: golden values, a small dataset, and shards as `crop` and `shard` leave them."""

import json
import logging
import os
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from deepfake_adv.crops.files import CROP_SCHEMA, CROP_WRITE_OPTIONS
from deepfake_adv.data.manifest import crop_file_rows, write_manifest
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.sources.checkout import check_checkout
from deepfake_adv.video.encode import write_h264

ROOT = Path(__file__).parents[1]
check_checkout(ROOT)  # an environment made by another checkout would have that one's code tested
os.environ["PYTHONPATH"] = str(ROOT)  # also by the processes that tests start


@pytest.fixture(autouse=True)
def _log_as_before():
    """Commands set the level of the root logger for their process, which ends with them; here others follow."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


CHROMIUM = os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    if not CHROMIUM or not Path(CHROMIUM).exists():
        pytest.skip("no Chromium: install it or name one in PLAYWRIGHT_CHROMIUM")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def _crop(rng, fake, side):
    """Smooth noise; a fake has a checkerboard that a small network finds in seconds."""
    image = cv2.resize(rng.integers(0, 255, (6, 6, 3), np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
    if fake:
        image = np.clip(image + 24 * (np.indices((side, side)).sum(0) % 2)[..., None], 0, 255).astype(np.uint8)
    return image


def _png(image):
    return {"bytes": cv2.imencode(".png", image)[1].tobytes(), "path": "crop.png"}


def _rows(rng, forgery, quality, split, videos, frames, side, masks, landmarks):
    fake = forgery != "real"
    for video in range(videos):
        for frame in range(frames):
            mask = np.zeros((side, side), np.uint8)
            mask[side // 4 : side // 2, : side // 4] = 255
            yield {
                "image": _png(cv2.cvtColor(_crop(rng, fake, side), cv2.COLOR_RGB2BGR)),
                "mask": _png(mask) if fake and masks else None,
                "video": f"{forgery}/{split}{video:03d}",
                "frame": frame * 3,
                "time": frame / 10,
                "label": int(fake),
                "forgery": forgery,
                "quality": quality,
                "split": split,
                "dataset": "corpus",
                "target": f"{split}{video:03d}",
                "source": f"{split}{video + 1:03d}" if fake else None,
                "encoding": "png",
                "detected": True,
                "landmarks": np.tile([side * 0.25, side * 0.75], 68).astype(np.float32) if landmarks else None,
                **dict.fromkeys(("box_x", "box_y", "face_x0", "face_y0", "face_x1", "face_y1"), 0),
                **dict.fromkeys(("box_side", "width", "height"), side),
            }


def write_shards(
    root,
    *,
    tier="c23",
    forgeries=("NT",),
    qualities=("c23",),
    videos=None,
    frames=8,
    side=24,
    masks=True,
    landmarks=True,
    group=32,
    seed=0,
):
    """Write crops and manifests under ``root / "data"``; give the tier's folder of manifests."""
    rng = np.random.default_rng(seed)
    data = root / "data"
    folder = data / "manifests" / tier
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (videos or {"train": 4, "val": 2, "test": 2}).items():
        entries = []
        for quality in qualities:
            for forgery in ("real", *forgeries):
                rows = list(_rows(rng, forgery, quality, split, count, frames, side, masks, landmarks))
                path = data / "crops" / "corpus" / quality / f"{forgery}-{split}-000.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                table = pa.Table.from_pylist(rows, schema=CROP_SCHEMA)
                pq.write_table(table, path, row_group_size=group, **CROP_WRITE_OPTIONS)
                entries.append(crop_file_rows(path, data))
        write_manifest(pa.concat_tables(entries), folder / f"{split}.parquet")
    return folder


@pytest.fixture
def make_shards(tmp_path):
    """`write_shards` into this test's folder."""
    return lambda root=tmp_path, **options: write_shards(root, **options)


@pytest.fixture(scope="session")
def make_shards_at():
    """`write_shards`, for fixtures that outlive a test."""
    return write_shards


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    """Manifests of one forgery in three qualities, tier "all"; read only."""
    return write_shards(tmp_path_factory.mktemp("shards"), tier="all", qualities=("raw", "c23", "c40"))


@pytest.fixture(scope="session")
def set_params():
    """Change dotted keys of a params file, each of which must be there: ``set_params(path, changes)``."""

    def change(path, changes):
        yaml = YAML()
        content = yaml.load(path.read_text())
        for key, value in changes.items():
            *parts, last = key.split(".")
            section = content
            for part in parts:
                section = section[part]
            assert last in section, key
            section[last] = value
        with open(path, "w") as stream:
            yaml.dump(content, stream)

    return change


@pytest.fixture(scope="session")
def until():
    """Wait for what another process does: ``until(condition)``."""

    def wait(condition, seconds=60, every=0.05):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:  # it would wait for ever
                pytest.fail("what was waited for did not happen")
            time.sleep(every)

    return wait


@pytest.fixture(scope="session")
def alive():
    """Whether a process of a number runs: ``alive(process)``."""

    def runs(process):
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return runs


GOLDEN = Path(__file__).with_name("golden.json")


def pytest_addoption(parser):
    parser.addoption(
        "--write-golden", action="store_true", help="Write tests/golden.json again from what tests measure."
    )


@pytest.fixture
def golden(request):
    """Compare values with those of golden.json: float64, one thread, x86-64.

    They change with a change of algorithm alone; ``pytest --write-golden`` then writes those of the tests that run,
    and the commit's message explains why.
    """

    def check(name, values, rel=1e-6):
        known = json.loads(GOLDEN.read_text(encoding="utf-8"))
        if request.config.getoption("--write-golden"):
            GOLDEN.write_text(json.dumps({**known, name: values}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
            return
        if name not in known:
            pytest.skip(f"golden.json has no {name}: run this test with --write-golden, then commit the file")
        assert values == pytest.approx(known[name], rel=rel)

    return check


@pytest.fixture
def root(tmp_path):
    """FaceForensics++ in small: six originals and six Deepfakes of 12 frames of noise."""
    root = tmp_path / "ff"
    rng = np.random.default_rng(0)
    for name, pairs in (("train", [["000", "001"]]), ("val", [["002", "003"]]), ("test", [["004", "005"]])):
        (root / "splits").mkdir(parents=True, exist_ok=True)
        (root / "splits" / f"{name}.json").write_text(json.dumps(pairs))
    for number in range(6):
        for path in (
            f"original_sequences/youtube/c23/videos/{number:03}.mp4",
            f"manipulated_sequences/Deepfakes/c23/videos/{number:03}_{number ^ 1:03}.mp4",
        ):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            write_h264(root / path, rng.integers(0, 255, (12, 24, 16), dtype=np.uint8), crf=40)
    return root


@pytest.fixture
def part(root):
    """The part of `root` at c23."""
    return PartOnDisk("ff", "c23", build_layout("faceforensics", root, ["DF"], {"splits": str(root / "splits")}))
