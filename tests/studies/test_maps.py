"""Statistics of sigma maps, of maps that are known."""

import json

import numpy as np
import pytest
import torch

from deepfake_adv.data.batch import Batch
from deepfake_adv.files import sha256, write_json
from deepfake_adv.methods.registry import build_method
from deepfake_adv.studies.face_regions import REGIONS, face_regions
from deepfake_adv.studies.maps import _half_width, bound_of, map_statistics, of_images, sigma_of, write_map_statistics
from deepfake_adv.training.checkpoint import save_weights

SIZE = 24


def face(size):
    """Eyes above, mouth below, in a jaw that fills the middle."""
    points = np.full((68, 2), size / 2, np.float32)
    angle = np.linspace(0, 2 * np.pi, 27, endpoint=False)
    points[:27] = size * (0.5 + 0.4 * np.stack([np.cos(angle), np.sin(angle)], 1))
    for eye, x in ((36, 0.35), (42, 0.65)):
        points[eye : eye + 6] = size * np.array([x, 0.35])
    points[48:60] = size * np.array([0.5, 0.7])
    return points


@pytest.mark.parametrize("landmarks", [face(100), None, np.full((68, 2), np.nan)])
def test_regions_share_out_the_image(landmarks):
    regions = face_regions(landmarks, 100)
    assert np.array_equal(regions.sum(0), np.ones((100, 100)))
    found = {name: regions[number] for number, name in enumerate(REGIONS)}
    assert found["eyes"][35, 35]
    assert found["eyes"][35, 65]
    assert found["mouth"][71, 50]
    assert found["skin"][55, 50]
    assert found["background"][2, 2]
    assert found["skin"].sum() > found["mouth"].sum() > 0


def test_figures_of_known_maps():
    sigma = torch.full((2, 1, SIZE, SIZE), 2.0)
    sigma[1, 0, : SIZE // 4] = 1.0
    regions = torch.zeros(2, 2, SIZE, SIZE, dtype=torch.bool)
    regions[:, 0, : SIZE // 2] = True
    found = of_images(sigma, regions, bound=2.0)
    assert found["mean"] == pytest.approx([2.0, 1.75])
    assert found["spread"] == pytest.approx([0, np.sqrt(0.25 * 0.75)])
    assert found["near"] == pytest.approx([1.0, 0.75])
    assert found["regions"][:, 0] == pytest.approx([2.0, 1.5])
    assert np.isnan(found["regions"][:, 1]).all()
    assert np.isnan(found["correlation"][0]).all()  # an even map
    assert np.isnan(of_images(sigma, regions, bound=None)["near"]).all()


def test_smoothness_is_what_random_maps_were_drawn_with():
    method = build_method("random_maps", smoothness=5.0, within=0.2)
    frames = Batch(torch.zeros(60, 3, 96, 96), torch.zeros(60, dtype=torch.long))
    sigma = method.sigma(frames, torch.Generator().manual_seed(0))
    found = of_images(sigma, torch.ones(60, 1, 96, 96, dtype=torch.bool), None)
    assert _half_width(found["correlation"]) == pytest.approx(5.0, rel=0.06)
    assert _half_width(found["correlation"][:, :2]) is None


@pytest.fixture
def leave(make_shards, tmp_path):
    """A run's folder whose generators give the same sigma everywhere, 1.25 of reals and 0.8 of fakes."""

    def go(**generator):
        arguments = {"blocks": 0, "width": 4, **generator}
        entry = {"name": "two_gen_bat", "kernel_size": 9, "generator": arguments}
        method = build_method(**entry)
        folder = tmp_path / "run/NT_c23/seed3"
        for name, sigma in (("real", 1.25), ("fake", 0.8)):
            player = method.adversary.players[name]
            player.head.weight.data.zero_()
            wanted = torch.tensor(1 / sigma - player.floor, dtype=torch.float64)
            player.head.bias.data.fill_(torch.log(torch.expm1(wanted)) - player.offset)
        save_weights(folder / "generator.safetensors", method.adversary)
        record = {"condition": "NT_c23", "seed": 3, "image_size": SIZE, "params": {"method": entry}}
        write_json(folder / "run.json", record | {"files": {p.name: sha256(p) for p in folder.glob("*.safe*")}})
        return folder, make_shards(videos={"val": 2}) / "val.parquet"

    return go


def test_a_runs_maps(leave, tmp_path):
    folder, manifest = leave(floor=0.8)
    write_map_statistics(folder, manifest, tmp_path / "maps.json", frames=2)
    found = json.loads((tmp_path / "maps.json").read_text())
    assert (found["condition"], found["seed"], found["bound"]) == ("NT_c23", 3, 1.25)
    assert found["regions_by_landmarks"] == 1
    for label, sigma in (("real", 1.25), ("fake", 0.8)):
        part = found[label]
        assert part["images"] == 4
        assert part["mean"] == pytest.approx(sigma, rel=1e-3)
        assert part["within"] == pytest.approx(0, abs=1e-5)
        assert part["at_bound"] == (label == "real")
        assert part["smoothness"] is None
        assert part["regions"]["background"] == pytest.approx(sigma, rel=1e-3)


def test_a_sigma_beyond_the_window_counts_as_the_windows_width():
    method = build_method("gen_bat", generator={"blocks": 0, "width": 4, "floor": 0.0})
    player = method.adversary.players["all"]
    player.head.weight.data.zero_()
    player.head.bias.data.fill_(-40)
    assert bound_of(method) is None
    batch = Batch(torch.rand(1, 3, SIZE, SIZE), torch.tensor([1]))
    torch.testing.assert_close(sigma_of(method, batch), torch.full((1, 1, SIZE, SIZE), 9.0))


def test_a_run_without_generators_is_refused(leave):
    folder, manifest = leave()
    record = json.loads((folder / "run.json").read_text())
    write_json(folder / "run.json", record | {"params": {"method": {"name": "baseline"}}})
    with pytest.raises(ValueError, match="folder must be of a run with generators; got baseline in"):
        map_statistics(folder, manifest)
