import csv
import re

import numpy as np
import pytest
from matplotlib.image import imread, imsave

from deepfake_adv.files import write_json
from deepfake_adv.reporting.figures import style
from deepfake_adv.reporting.figures.curves import draw_robustness, draw_roc, draw_training, read_csv
from deepfake_adv.reporting.figures.diagrams import draw_diagrams
from deepfake_adv.reporting.figures.grids import draw_grid, draw_pictures
from deepfake_adv.reporting.figures.heatmap import draw_heatmap

GRID = np.linspace(0, 1, 11).tolist()


def files(folder, name):
    """The three files of a figure: picture, drawing, data."""
    svg = (folder / f"{name}.svg").read_text()
    rows = list(csv.reader((folder / f"{name}.csv").read_text().splitlines()))
    return imread(folder / f"{name}.png"), svg, rows


def test_roc_writes_picture_drawing_and_data(tmp_path):
    curves = {"a": {"fpr": GRID, "x_to_y": GRID}, "b": {"fpr": GRID, "x_to_y": [1.0] * 11}}
    assert draw_roc(curves, ["x_to_y", "absent"], tmp_path, dpi=60)
    picture, svg, rows = files(tmp_path, "roc")
    assert picture.shape[2] in (3, 4)
    assert ">y</text>" in svg
    assert rows[0] == ["condition", "run", "fpr", "tpr"]
    assert len(rows) == 1 + 22
    assert not draw_roc(curves, ["absent"], tmp_path, dpi=60)


def test_the_same_input_gives_the_same_bytes(tmp_path):
    values = np.array([[50.0, 99.0], [np.nan, 71.0]])
    for folder in ("one", "two"):
        draw_heatmap(values, ["a", "b"], [("x", "y"), ("x", "z")], tmp_path / folder, dpi=60)
    for suffix in ("png", "svg", "csv"):
        assert (tmp_path / f"one/heatmap.{suffix}").read_bytes() == (tmp_path / f"two/heatmap.{suffix}").read_bytes()


def test_drawings_ask_nothing_of_the_network(tmp_path):
    draw_diagrams(tmp_path, dpi=60)
    for name in ("figure2", "figure3"):
        svg = files(tmp_path, name)[1]
        outside = {address for address in re.findall(r'https?://[^"<\s]+', svg) if "w3.org" not in address}
        assert not outside
        assert svg.startswith("<svg")
        assert "<!DOCTYPE" not in svg
        assert "rdf" not in svg
    assert ["generator $G_r$", "map $1/\\sigma^{adv}$", ""] in files(tmp_path, "figure2")[2]


def test_training_curves_tolerate_a_missing_column(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss,val_auc\n1,0.7,0.5\n2,0.6,\n")
    log = read_csv(tmp_path / "log.csv")
    assert np.isnan(log["val_auc"][1])
    assert draw_training({"run NT_c23 seed0": log}, tmp_path, dpi=60)
    assert files(tmp_path, "training")[2][2][:3] == ["run NT_c23 seed0", "2.0", "0.6"]
    assert not draw_training({}, tmp_path, dpi=60)


def test_a_legend_names_every_line_within_the_figure(tmp_path):
    log = {"epoch": [1.0, 2.0], "loss": [1.0, 0.5]}
    names = [f"run_with_a_rather_long_name_{k}" for k in range(7)]
    with style.styled():
        figure, axes = style.panels(1, 2, width=2.4, height=2.5)
        for k, name in enumerate(names):
            axes[k % 2].plot(log["epoch"], log["loss"], label=name)
        axes[1].plot(log["epoch"], log["loss"], label=names[0])
        style.legend_below(figure, axes)
        (legend,) = figure.legends
        width = legend.get_window_extent().width
    assert [text.get_text() for text in legend.get_texts()] == [*names[::2], *names[1::2]]
    assert width <= figure.bbox.width


def test_training_is_labelled_by_run_and_seed_and_the_learning_rate_in_plain_numbers(tmp_path):
    log = {"epoch": [1.0, 2.0], "loss": [1.0, 0.5], "val_auc": [0.5, 0.6], "lr": [0.01, 0.001]}
    assert draw_training({"run NT_c23 seed0": log, "run NT_c23 seed1": log}, tmp_path, dpi=60)
    svg = files(tmp_path, "training")[1]
    for label in ("run, seed 0", "run, seed 1", "0.01", "0.001"):
        assert f">{label}</text>" in svg


def test_robustness_curves(tmp_path):
    rows = [{"run": run, "degradation": "jpeg", "level": level, "auc": 80} for run in "ab" for level in (95, 50)]
    assert draw_robustness(rows, tmp_path, dpi=60)
    assert "JPEG quality" in files(tmp_path, "robustness")[1]
    assert not draw_robustness([], tmp_path, dpi=60)


def test_an_empty_heatmap_is_not_drawn(tmp_path):
    assert not draw_heatmap(np.full((1, 1), np.nan), ["a"], [("b", "c")], tmp_path, dpi=60)


def test_grid_of_pictures_colour_and_gray(tmp_path):
    colour = np.zeros((8, 8, 3), np.uint8)
    colour[..., 0] = 255
    assert draw_grid([[colour], [np.full((8, 8), 0.5)]], ["red", "gray"], ["one"], tmp_path, "g", dpi=60)
    rows = files(tmp_path, "g")[2]
    assert rows[1] == ["red", "one", "0.33333", "0.00000"]
    assert rows[2][3] == "0.50000"
    assert not draw_grid([], [], [], tmp_path, "g", dpi=60)


def test_pictures_described_by_json(tmp_path):
    for k in range(2):
        imsave(tmp_path / f"{k}.png", np.full((6, 6, 3), k * 0.5))
    write_json(
        tmp_path / "figure1.json",
        {"rows": ["a", "b"], "columns": ["c"], "files": [["0.png"], ["1.png"]], "source": "s"},
    )
    assert draw_pictures(tmp_path, "figure1", tmp_path / "out", dpi=60)["source"] == "s"
    assert float(files(tmp_path / "out", "figure1")[2][2][3]) == pytest.approx(0.5, abs=0.01)
    assert draw_pictures(tmp_path, "absent", tmp_path / "out", dpi=60) is None


def test_lines_differ_without_colour():
    looks = [style.line(k) for k in range(7)]
    assert len({str(look["linestyle"]) for look in looks}) == 7
    assert len({look["marker"] for look in looks}) == 7
    assert len({look["color"] for look in looks}) == 7
