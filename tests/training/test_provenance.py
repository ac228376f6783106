import torch

from deepfake_adv.training import provenance


def test_versions_name_what_decides_a_result():
    found = provenance.versions()
    assert found["torch"] == torch.__version__.split("+")[0] or found["torch"] == torch.__version__
    assert found["python"].count(".") == 2


def test_a_cpu_has_a_name():
    assert provenance.device_name(torch.device("cpu")).startswith("cpu (")


def test_how_many_threads_a_run_was_given_is_no_part_of_its_result():
    threads = torch.get_num_threads()
    before = provenance.device_name(torch.device("cpu"))
    try:
        torch.set_num_threads(threads + 1)
        assert provenance.device_name(torch.device("cpu")) == before
    finally:
        torch.set_num_threads(threads)
