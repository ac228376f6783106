import logging

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from deepfake_adv.detectors.initial import common_prefixes, read_state, start_from
from deepfake_adv.detectors.registry import build_detector

SMALL = {"width": 4}


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(3)
    return build_detector("compact", **SMALL)


def _same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.backbone."])
def test_a_detector_starts_from_a_file_whatever_its_names_begin_with(trained, tmp_path, wrapper, prefix):
    state = {prefix + name: value for name, value in trained.state_dict().items()}
    torch.save({"epoch": 3, wrapper: state} if wrapper else state, tmp_path / "other.pth")
    assert _same(trained, build_detector("compact", **SMALL, weights=tmp_path / "other.pth"))


def test_a_clip_detector_starts_from_a_run_of_its_frame_detector(trained, tmp_path):
    save_file(trained.state_dict(), tmp_path / "detector.safetensors")
    clips = build_detector("tsn", frame={"name": "compact", **SMALL}, segments=2, weights=str(tmp_path))
    assert _same(trained, clips.frame)


def test_a_head_of_other_classes_starts_at_random_and_is_named(trained, tmp_path, caplog):
    state = trained.state_dict() | {"head.weight": torch.zeros(1000, 32), "head.bias": torch.zeros(1000)}
    save_file(state, tmp_path / "other.safetensors")
    with caplog.at_level(logging.INFO):
        started = build_detector("compact", **SMALL, weights=tmp_path / "other.safetensors")
    assert torch.equal(started.stages[0][0].weight, trained.stages[0][0].weight)
    assert started.head.weight.abs().sum() > 0
    assert "4 of 5 weight tensors" in caplog.text
    assert "at random: head.weight" in caplog.text


def test_another_networks_weights_are_refused(trained, tmp_path):
    save_file(build_detector("compact", width=5).state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"those of Compact; got other\.safetensors, which holds 0 of its 5"):
        start_from(trained, tmp_path / "other.safetensors", complete=True)


def test_a_pickled_model_is_not_executed_and_the_error_says_what_to_save(trained, tmp_path):
    torch.save(trained, tmp_path / "whole.pth")
    with pytest.raises(ValueError, match=r"pickled deepfake_adv\.detectors\.compact\.Compact.*model\.state_dict\(\)"):
        read_state(tmp_path / "whole.pth")


class _Traitor:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def test_nothing_in_a_file_is_executed(tmp_path):
    torch.save({"state_dict": {"a": torch.zeros(2)}, "args": _Traitor()}, tmp_path / "bad.pth")
    with pytest.raises(ValueError, match=r"holds a pickled exec, and reading that would execute"):
        read_state(tmp_path / "bad.pth")


@pytest.mark.parametrize("content", [{}, {"epoch": 1}, [1, 2], torch.zeros(3)])
def test_a_file_without_tensors_by_name_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "none.pth")
    with pytest.raises(ValueError, match=r"weights must be tensors by name; got .* in none\.pth"):
        read_state(tmp_path / "none.pth")


@pytest.mark.parametrize("name", ["notes.pth", "notes.safetensors"])
def test_another_file_is_refused(tmp_path, name):
    (tmp_path / name).write_text("no weights")
    with pytest.raises(ValueError, match=r"weights must be a file of tensors; got notes"):
        read_state(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"found nothing at .*absent\.pth"):
        read_state(tmp_path / "absent.pth")


def test_prefixes_are_those_of_half_of_the_names():
    assert common_prefixes(["m.b.x", "m.b.y", "m.h.z", "q"]) == ["", "m.", "m.b."]
    assert common_prefixes([]) == [""]


def test_names_that_agree_by_chance_alone_do_not_count(tmp_path):
    save_file({"0.weight": torch.zeros(3, 2), "1.weight": torch.zeros(9, 9)}, tmp_path / "a.safetensors")
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(4, 5))
    with pytest.raises(ValueError, match="holds 1 of its 3"):
        start_from(module, tmp_path / "a.safetensors", complete=True)
