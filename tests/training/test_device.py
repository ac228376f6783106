import pytest
import torch

from deepfake_adv.training.device import autocast, choose_device, device_name, versions


def test_the_device_falls_back_to_the_cpu_unless_cuda_is_requested(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"device\.accelerator must be cpu or auto"):
        choose_device("cuda")


def test_autocast_is_off_for_full_precision():
    for precision, kind in (("32-true", torch.float32), ("bf16-mixed", torch.bfloat16), ("16-mixed", torch.bfloat16)):
        with autocast(torch.device("cpu"), precision):
            assert (torch.rand(2, 2) @ torch.rand(2, 2)).dtype == kind


def test_versions_name_what_decides_a_result():
    found = versions()
    assert found["torch"] == torch.__version__.split("+")[0] or found["torch"] == torch.__version__
    assert found["python"].count(".") == 2


def test_a_cpu_has_a_name():
    assert device_name(torch.device("cpu")).startswith("cpu (")


def test_how_many_threads_a_run_was_given_is_no_part_of_its_result():
    threads = torch.get_num_threads()
    before = device_name(torch.device("cpu"))
    try:
        torch.set_num_threads(threads + 1)
        assert device_name(torch.device("cpu")) == before
    finally:
        torch.set_num_threads(threads)
