"""The scripts that draw the pages' pictures."""

import shutil

import pytest
import torch
from PIL import Image

from benchmarks.game_picture import Panels, draw
from benchmarks.report_picture import take

pytestmark = pytest.mark.slow


def test_the_games_picture_is_small(tmp_path):
    rng = torch.Generator().manual_seed(0)
    images, maps = (torch.rand(2, channels, 96, 96, generator=rng) for channels in (3, 1))
    draw(Panels(images, 3 * maps, images, maps, images), tmp_path / "game.png")
    with Image.open(tmp_path / "game.png") as picture:
        assert picture.size == (810, 333)
        assert picture.mode == "P"


def test_the_reports_picture_is_its_first_table(tmp_path):
    if not shutil.which("chromium"):
        pytest.skip("no Chromium: install it")
    page = tmp_path / "report.html"
    style = "body {margin: 50px; background: white} table {background: red; width: 200px; height: 100px}"
    figure = "<figure id=table_01 style='margin: 0; width: 300px'><table><tr><td></table><p>Notes below</figure>"
    page.write_text(f"<style>{style}</style><p>Above</p>{figure}", encoding="utf-8")
    take(page, tmp_path / "report.png", width=600)
    with Image.open(tmp_path / "report.png") as picture:
        pixels = picture.convert("RGB")
        assert pixels.size == (332, 102)
        assert pixels.getpixel((20, 50)) == (255, 0, 0)
        assert pixels.getpixel((300, 50)) == (255, 255, 255)
