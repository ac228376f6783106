import torch

from deepfake_adv.training import provenance


def test_versions_name_what_decides_a_result():
    found = provenance.versions()
    assert found["torch"] == torch.__version__.split("+")[0] or found["torch"] == torch.__version__
    assert found["python"].count(".") == 2


def test_a_cpu_has_a_name():
    assert provenance.device_name(torch.device("cpu")).startswith("cpu (")
