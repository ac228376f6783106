import cv2
import torch

from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import read_json
from deepfake_adv.studies.examples import attacked_rows, kernel_attacks, write_grid


def test_rows_hold_the_originals_and_what_each_attack_makes_of_them():
    torch.manual_seed(0)
    detector = build_detector("compact", width=8)
    images, labels = torch.rand(2, 3, 32, 32), torch.tensor([0, 1])
    rows = attacked_rows(detector, images, labels, {"FGSM": build_attack("fgsm", epsilon=0.01)})
    assert list(rows) == ["original", "FGSM"]
    assert 0 < (rows["FGSM"] - images).abs().max() <= 0.01 + 1e-6
    kernels = attacked_rows(detector, images, labels, kernel_attacks([3, 9], {"name": "blur"}))
    change = [(kernels[name] - images).abs().mean() for name in ("k = 3", "k = 9")]
    assert 0 < change[0] < change[1]


def test_a_grid_is_written_with_its_index(tmp_path):
    rows = {"original": torch.zeros(2, 3, 8, 8), "map": torch.ones(2, 1, 8, 8)}
    write_grid(tmp_path, "figure", rows, ["real", "fake"], source="a run")
    index = read_json(tmp_path / "figure.json")
    assert index["rows"] == ["original", "map"]
    assert index["source"] == "a run"
    pixels = [[cv2.imread(str(tmp_path / name)).mean() for name in line] for line in index["files"]]
    assert pixels == [[0, 0], [255, 255]]
