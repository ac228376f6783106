"""Files of an output as DVC last recorded it."""

import hashlib
import json

import pytest

from deepfake_adv.execution.dvc_batch import ENTRIES
from deepfake_adv.execution.dvc_outputs import Recorded

FILES = {"NT_c23/seed0/run.json": b"{}", "NT_c23/seed0/live/log.csv": b"a,b\n", "NT_c23/seed1/run.json": b"[]"}


def keep(cache, content, suffix=""):
    digest = hashlib.md5(content).hexdigest() + suffix
    place = cache / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return digest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A DVC project whose lock records a folder of `FILES`."""
    from dvc.repo import Repo

    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    cache = tmp_path / ".dvc/cache/files/md5"
    write_lock(tmp_path / "dvc.lock", cache, FILES)
    return cache


def entry(cache, files):
    listed = [{"md5": keep(cache, content), "relpath": name} for name, content in files.items()]
    digest = keep(cache, json.dumps(listed).encode(), ".dir")
    return {"cmd": "train", "outs": [{"path": "data/runs/a", "hash": "md5", "md5": digest}]}


def write_lock(path, cache, files):
    out = entry(cache, files)["outs"][0]
    lines = ["schema: '2.0'", "stages:", "  train@a:", "    cmd: train", "    outs:"]
    lines += [f"    - path: {out['path']}", "      hash: md5", f"      md5: {out['md5']}", ""]
    path.write_text("\n".join(lines))


def test_a_folder_is_copied_as_it_was_recorded(cache, tmp_path):
    recorded = Recorded("train@a", "data/runs/a")
    assert set(recorded.files()) == set(FILES)
    assert recorded.copy("NT_c23/seed0", tmp_path / "got")
    assert (tmp_path / "got/run.json").read_bytes() == b"{}"
    assert (tmp_path / "got/live/log.csv").read_bytes() == b"a,b\n"
    assert not (tmp_path / "got/seed1").exists()


def test_a_run_of_train_all_in_progress_is_seen_before_dvc_lock_has_it(cache, tmp_path):
    pending = tmp_path / ENTRIES / "train@a.json"
    pending.parent.mkdir(parents=True)
    pending.write_text(json.dumps({"entry": entry(cache, {"NT_raw/seed0/run.json": b"1"})}))
    assert set(Recorded("train@a", "data/runs/a").files()) == {"NT_raw/seed0/run.json"}
    pending.write_text("{")
    assert set(Recorded("train@a", "data/runs/a").files()) == set(FILES)


@pytest.mark.parametrize(
    ("stage", "output"), [("train@b", "data/runs/a"), ("train@a", "data/runs/b")], ids=["stage", "output"]
)
def test_nothing_is_there_where_nothing_is_recorded(cache, tmp_path, stage, output):
    recorded = Recorded(stage, output)
    assert recorded.files() == {}
    assert not recorded.copy("NT_c23/seed0", tmp_path / "got")


def test_a_file_that_the_cache_lost_or_that_is_damaged_is_not_copied(cache, tmp_path, caplog):
    digest = hashlib.md5(b"a,b\n").hexdigest()
    place = cache / digest[:2] / digest[2:]
    place.chmod(0o644)
    place.write_bytes(b"other")
    assert not Recorded("train@a", "data/runs/a").copy("NT_c23/seed0", tmp_path / "got")
    assert "NT_c23/seed0/live/log.csv of data/runs/a is damaged" in caplog.text
    place.unlink()
    assert not Recorded("train@a", "data/runs/a").copy("NT_c23/seed0", tmp_path / "more")


def test_a_cache_without_the_listing_has_nothing(cache):
    for path in cache.rglob("*.dir"):
        path.unlink()
    assert Recorded("train@a", "data/runs/a").files() == {}
