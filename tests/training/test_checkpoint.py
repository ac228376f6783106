import errno
import resource
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from deepfake_adv.files import sha256
from deepfake_adv.training.checkpoint import differences, load_checkpoint, load_weights, save_checkpoint, save_weights

PARAMS = {"train": {"epochs": 3, "batch_size": 8}, "seed": 0}


def test_a_checkpoint_comes_back_unchanged(tmp_path):
    state = {"weights": {"a": torch.arange(3.0)}, "history": [{"loss": 0.1}], "best": None, "steps": 7}
    save_checkpoint(tmp_path / "c.pt", state, PARAMS)
    found = load_checkpoint(tmp_path / "c.pt", PARAMS)
    assert torch.equal(found["weights"]["a"], state["weights"]["a"])
    assert {k: found[k] for k in ("history", "best", "steps")} == {k: state[k] for k in ("history", "best", "steps")}
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


def test_memory_formats_survive(tmp_path):
    weight = torch.zeros(4, 3, 2, 2).to(memory_format=torch.channels_last)
    save_checkpoint(tmp_path / "c.pt", {"w": weight}, {})
    assert load_checkpoint(tmp_path / "c.pt", {})["w"].stride() == weight.stride()


def test_a_checkpoint_of_other_params_is_refused_by_its_keys(tmp_path):
    save_checkpoint(tmp_path / "c.pt", {}, PARAMS)
    with pytest.raises(ValueError, match=r"differs in method, train\.epochs\. Restore those keys"):
        load_checkpoint(tmp_path / "c.pt", {"train": {"epochs": 4, "batch_size": 8}, "seed": 0, "method": "x"})


def test_a_damaged_checkpoint_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.pt", {"w": torch.zeros(1000)}, PARAMS)
    whole = (tmp_path / "c.pt").read_bytes()
    (tmp_path / "c.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="checkpoint must be readable"):
        load_checkpoint(tmp_path / "c.pt", PARAMS)


@pytest.mark.parametrize("content", [[], {"state": {}}, {"params": {}}, {"params": {}, "state": None}])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(ValueError, match=r"must hold the dicts params and state; .* Delete it to start"):
        load_checkpoint(tmp_path / "c.pt", {})


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path):
    save_checkpoint(tmp_path / "c.pt", {"steps": 1}, PARAMS)
    with pytest.raises(Exception):  # noqa: B017
        save_checkpoint(tmp_path / "c.pt", {"steps": lambda: 2}, PARAMS)
    assert load_checkpoint(tmp_path / "c.pt", PARAMS) == {"steps": 1}
    assert len(list(tmp_path.iterdir())) == 1


@contextmanager
def small_files():
    """No file may outgrow a limit; not as a fixture, since that would hold for the tests' own log as well."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("count", [2_200, 100_000])
def test_what_the_disk_said_is_kept(tmp_path, count):
    for write in (
        lambda path: save_checkpoint(path, {"w": torch.zeros(count)}, {}),
        lambda path: save_weights(path, nn.Linear(count, 2)),
    ):
        with pytest.raises(OSError) as stop, small_files():
            write(tmp_path / "file")
        assert stop.value.errno == errno.EFBIG
    assert not list(tmp_path.iterdir())


def test_differences_are_dotted():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": None}) == ["a.c", "d"]
    assert differences(PARAMS, PARAMS) == []


def test_weights_come_back_in_any_memory_format(tmp_path):
    module = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    save_weights(tmp_path / "w.safetensors", module)
    other = nn.Conv2d(3, 4, 2)
    load_weights(tmp_path / "w.safetensors", other, digest=sha256(tmp_path / "w.safetensors"))
    assert torch.equal(other.weight, module.weight)


def test_weights_of_another_architecture_are_refused(tmp_path):
    save_weights(tmp_path / "w.safetensors", nn.Linear(2, 3))
    with pytest.raises(ValueError, match=r"must fit Linear; got .* differs in weight\. .* must be trained again\."):
        load_weights(tmp_path / "w.safetensors", nn.Linear(3, 3), digest=sha256(tmp_path / "w.safetensors"))


def test_weights_that_are_missing_or_damaged_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="weights must be a safetensors file"):
        load_weights(tmp_path / "w.safetensors", nn.Linear(2, 3), digest="0")
    (tmp_path / "w.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="weights must be those that were trained"):
        load_weights(tmp_path / "w.safetensors", nn.Linear(2, 3), digest="0")
    with pytest.raises(ValueError, match="weights must be a safetensors file"):
        load_weights(tmp_path / "w.safetensors", nn.Linear(2, 3), digest=sha256(tmp_path / "w.safetensors"))
