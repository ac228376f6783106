"""Statistics of maps as a table."""

import json

from deepfake_adv.reporting.study.maps import maps_grid


def statistics(mean):
    regions = {"eyes": mean + 0.1, "mouth": None}
    one = {"mean": mean, "between": 0.1, "within": 0.2, "at_bound": 0.5, "smoothness": None, "regions": regions}
    return {"real": one, "fake": {**one, "at_bound": None}}


def test_a_row_per_run_and_label_over_seeds(tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/game.json").write_text(json.dumps([statistics(1.0), statistics(2.0)]))
    head, _, real, fake = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in maps_grid(tmp_path, ["missing", "game"]).splitlines()
    )
    assert head == ["run", "images", "seeds", "mean σ", "between images", "within", "at bound, %", "eyes", "mouth"]
    assert real == ["game", "real", "2", "1.50 ± 0.71", "0.10", "0.20", "50", "1.60", ""]
    assert fake[6] == ""


def test_without_statistics_there_is_no_table(tmp_path):
    assert maps_grid(tmp_path, ["game"]) == ""
