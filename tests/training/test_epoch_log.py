import csv

from deepfake_adv.training.epoch_log import LiveLog, write_log


def test_the_log_has_every_column_that_came_up(tmp_path):
    write_log(tmp_path / "log.csv", [{"epoch": 0, "loss": 0.5}, {"epoch": 1, "loss": 0.25, "mask": 0.1}])
    rows = list(csv.DictReader((tmp_path / "log.csv").open(encoding="utf-8")))
    assert rows == [{"epoch": "0", "loss": "0.5", "mask": ""}, {"epoch": "1", "loss": "0.25", "mask": "0.1"}]


def test_dvclive_starts_again_from_the_rows_of_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ahead = LiveLog(tmp_path / "live", [])
    for epoch in range(3):
        ahead.add({"epoch": epoch, "loss": 9.0})
    ahead.close()
    live = LiveLog(tmp_path / "live", [{"epoch": 0, "loss": 0.5}])
    live.add({"epoch": 1, "loss": 0.25})
    live.close()
    lines = (tmp_path / "live/plots/metrics/loss.tsv").read_text().split()
    assert lines == ["step", "loss", "0", "0.5", "1", "0.25"]
    assert not (tmp_path / "dvc.yaml").exists()
