"""Taking a run's results out of the study's project."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.files import sha256
from deepfake_adv.reporting.study import collect
from deepfake_adv.reporting.study.collect import collect_run


def rows():
    rng = np.random.default_rng(0)
    for pair in range(3):
        ids = f"{2 * pair:03d}", f"{2 * pair + 1:03d}"
        for target, source in (ids, ids[::-1]):
            for forgery, video in (("real", target), ("NT", f"{target}_{source}")):
                fake = int(forgery != "real")
                yield {
                    "train_condition": "NT_c23", "seed": 0, "dataset": "corpus", "quality": "c23", "forgery": forgery,
                    "label": fake, "video": video, "target": target, "source": source if fake else None, "frame": 0,
                    "score": rng.normal(fake),
                }  # fmt: skip


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    table = pa.Table.from_pylist(list(rows()))
    scores = folder / "data/scores/run.parquet"
    for path in (scores, folder / "data/manifests/all/test.parquet"):
        path.parent.mkdir(parents=True)
        pq.write_table(table, path)
    for name, content in (
        ("metrics", {"auc": 1}),
        ("evaluation", {"provenance": {"scores": {"fingerprint": sha256(scores)[:16]}}}),
    ):
        (folder / "reports" / name).mkdir(parents=True)
        (folder / f"reports/{name}/run.json").write_text(json.dumps(content))
    return folder


def take(project, tmp_path):
    return collect_run(project, "run", "baseline", "lite0", tmp_path / "study")


def test_a_run_is_taken_once_and_again_when_its_scores_change(project, tmp_path):
    assert take(project, tmp_path)
    found = json.loads((tmp_path / "study/results/run.json").read_text())
    (entry,) = found.pop("results")
    digest = sha256(project / "data/scores/run.parquet")
    assert found == {"run": "run", "method": "baseline", "detector": "lite0", "scores": digest}
    assert (entry["test"], entry["groups"]) == ("NT_c23", ["000+001", "002+003", "004+005"])
    assert (tmp_path / "study/evaluation/run.json").exists()
    assert (tmp_path / "study/metrics/run.json").exists()
    assert not take(project, tmp_path)


@pytest.mark.parametrize("lacking", ["data/scores/run.parquet", "reports/evaluation/run.json"])
def test_a_run_that_has_not_ended_is_not_taken(project, tmp_path, lacking):
    (project / lacking).unlink()
    assert not take(project, tmp_path)


def test_scores_that_are_not_evaluated_yet_are_not_taken(project, tmp_path):
    path = project / "reports/evaluation/run.json"
    path.write_text(json.dumps({"provenance": {"scores": {"fingerprint": "another"}}}))
    assert not take(project, tmp_path)
    assert not (tmp_path / "study").exists()


def test_a_file_too_large_for_git_is_named_and_kept(project, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(collect, "LARGEST", 300)
    assert take(project, tmp_path)
    assert "run.json has" in caplog.text
    assert (tmp_path / "study/results/run.json").exists()


def test_damaged_files_are_named(project, tmp_path):
    (project / "reports/evaluation/run.json").write_text("{")
    with pytest.raises(ValueError, match=r"evaluation/run\.json"):
        take(project, tmp_path)
