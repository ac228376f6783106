import csv
import io

from deepfake_adv.training.progress import LiveLog, Meter, write_log


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_line_says_epoch_step_loss_rate_and_time_left():
    meter = Meter("baseline NT_c23", epochs=3, steps=10, stream=Terminal())
    for step in range(5):
        meter.update(0, step, 32, 0.5)
    line = meter.line(0, 4, 0.5, seconds=2.0)
    assert line == "baseline NT_c23: epoch 1/3, step 5/10, loss 0.5000, 80 images/s, 0:10 left"


def test_a_terminal_line_is_rewritten_and_a_silent_meter_says_nothing(monkeypatch):
    monkeypatch.setattr("deepfake_adv.training.progress._REFRESH", 0)
    spoken, silent = Terminal(), Terminal()
    for stream in (spoken, silent):
        meter = Meter("x", 1, 2, stream=stream, silent=stream is silent)
        meter.update(0, 0, 1, 1.0)
        meter.update(0, 1, 1, 0.5)
        meter.say("done")
    assert spoken.getvalue().count("\r") == 3
    assert silent.getvalue() == ""


def test_the_log_has_every_column_that_came_up(tmp_path):
    write_log(tmp_path / "log.csv", [{"epoch": 0, "loss": 0.5}, {"epoch": 1, "loss": 0.25, "mask": 0.1}])
    rows = list(csv.DictReader((tmp_path / "log.csv").open(encoding="utf-8")))
    assert rows == [{"epoch": "0", "loss": "0.5", "mask": ""}, {"epoch": "1", "loss": "0.25", "mask": "0.1"}]


def test_dvclive_starts_anew_from_the_rows_of_a_checkpoint(tmp_path, monkeypatch):
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
