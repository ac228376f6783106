import sys

import pytest

from deepfake_adv.planning import machine
from deepfake_adv.planning.machine import Machine, described, parse_size, readable, this_machine

HERE = Machine(cores=2, gpus=1, memory=8e9, disk=1e11, gpu_memory=8e10)


@pytest.mark.parametrize(
    ("text", "size"),
    [("500GB", 5e11), ("4 TB", 4e12), ("1.5tb", 1.5e12), ("64GiB", 64 * 2**30), ("2kib", 2048)],
)
def test_sizes(text, size):
    assert parse_size(text, "--disk") == size


@pytest.mark.parametrize("text", ["", "GB", "-4GB", "0", "4 parsecs", "1e9", "0TB", "4,5GB", "256"])
def test_what_is_no_size_is_reported_with_the_option(text):
    with pytest.raises(ValueError, match=r"--disk must be a size such as 500GB, 4TB or 64GiB; got '"):
        parse_size(text, "--disk")


def test_what_is_not_said_stays():
    assert described(HERE) == HERE
    found = described(HERE, cores=64, memory="512GB", disk="4TB", gpu_memory="40GB")
    assert found == Machine(64, 1, 5.12e11, 4e12, 4e10)


def test_other_gpus_have_a_memory_that_is_not_known():
    assert described(HERE, gpus=8).gpu_memory is None
    assert described(HERE, gpus=1).gpu_memory == HERE.gpu_memory


@pytest.mark.parametrize(("option", "value", "least"), [("cores", 0, 1), ("gpus", -1, 0)])
def test_numbers_out_of_range(option, value, least):
    with pytest.raises(ValueError, match=f"--{option} must be at least {least}; got {value}"):
        described(HERE, **{option: value})


def test_this_machine_has_cores_and_room(tmp_path):
    found = this_machine(tmp_path)
    assert found.cores >= 1
    assert found.disk > 0


def test_the_smallest_gpu_counts(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!{sys.executable}\nprint('81559')\nprint('40960')\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "visible_gpus", lambda: ["0", "1"])
    found = this_machine(tmp_path)
    assert (found.gpus, found.gpu_memory) == (2, 40960 * 2**20)


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 bytes"), (1.5e9, "1.5 GB"), (999_600, "1 MB"), (4e12, "4 TB"), (5.5e15, "5500 TB")]
)
def test_sizes_in_words(size, text):
    assert readable(size) == text
