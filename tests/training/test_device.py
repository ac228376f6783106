import pytest
import torch

from deepfake_adv.training.device import autocast, choose_device


def test_the_device_falls_back_to_the_cpu_unless_cuda_is_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"device\.accelerator must be cpu or auto"):
        choose_device("cuda")


def test_autocast_is_off_for_full_precision():
    for precision, kind in (("32-true", torch.float32), ("bf16-mixed", torch.bfloat16), ("16-mixed", torch.bfloat16)):
        with autocast(torch.device("cpu"), precision):
            assert (torch.rand(2, 2) @ torch.rand(2, 2)).dtype == kind
