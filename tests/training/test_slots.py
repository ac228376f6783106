import pytest

from deepfake_adv.execution.memory import JOBS
from deepfake_adv.training import slots
from deepfake_adv.training.slots import Need, local_slots, ray_share, visible_gpus


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(slots.os, "cpu_count", lambda: 8)


def gpus_of(found):
    return [environment["CUDA_VISIBLE_DEVICES"] for environment in found]


def test_each_slot_has_its_own_gpus_and_more_jobs_share_them_in_turn():
    assert gpus_of(local_slots(Need(), None, ["0", "5"])) == ["0", "5"]
    assert gpus_of(local_slots(Need(), 3, ["0", "5"])) == ["0", "5", "0"]
    assert gpus_of(local_slots(Need(devices=2), None, ["0", "1", "4", "7", "8"])) == ["0,1", "4,7"]
    assert gpus_of(local_slots(Need(devices=2), 1, ["0", "1", "4", "7"])) == ["0,1"]


def test_without_gpus_each_slot_has_a_share_of_the_cores():
    assert local_slots(Need(), 3, []) == [{"OMP_NUM_THREADS": "2"}] * 3
    assert local_slots(Need(), 16, []) == [{"OMP_NUM_THREADS": "1"}] * 16
    assert local_slots(Need(devices=2), None, []) == [{"OMP_NUM_THREADS": "1"}] * 4
    assert local_slots(Need(devices=2), 2, []) == [{"OMP_NUM_THREADS": "2"}] * 2


def test_gpus_are_left_alone_where_runs_train_on_the_cpu():
    assert local_slots(Need(accelerator="cpu"), 2, ["0", "1"]) == [{"OMP_NUM_THREADS": "4"}] * 2
    nodes = [{"Resources": {"GPU": 2.0, "CPU": 8.0}}]
    assert ray_share(Need(accelerator="cpu"), 2, nodes).resources == {"num_cpus": 4}


@pytest.mark.parametrize(
    ("need", "gpus", "words"),
    [
        (Need(devices=2), ["3"], r"device\.devices must be at most the GPUs of this machine \(1\); got 2"),
        (Need(accelerator="cuda"), [], r"device\.devices must be at most the GPUs of this machine \(0\); got 1"),
        (Need(nodes=2), ["0"], r"device\.nodes must be 1 for train-all.*got 2\. Start each run by torchrun"),
    ],
)
def test_a_run_that_can_never_be_placed_is_refused(need, gpus, words):
    with pytest.raises(ValueError, match=words):
        local_slots(need, 8, gpus)
    with pytest.raises(ValueError, match=words.replace("this machine", "the cluster's largest node")):
        ray_share(need, 8, [{"Resources": {"GPU": float(len(gpus)), "CPU": 8.0}}])


def test_a_cluster_is_divided_node_by_node():
    nodes = [{"Resources": {"GPU": count, "CPU": 8.0}} for count in (3.0, 5.0)]
    share = ray_share(Need(devices=2), None, nodes)
    assert (share.jobs, share.resources, share.environment) == (3, {"num_gpus": 2}, {JOBS: "2"})


@pytest.mark.parametrize(
    ("jobs", "cores", "expected"), [(None, (8.0, 4.0), "8"), (6, (8.0, 4.0), "4"), (1, (8.0,), "1")]
)
def test_a_run_on_a_cluster_knows_how_many_may_be_beside_it(jobs, cores, expected):
    """Failed before: each run of `device.cache: memory` took its node's whole memory for its own."""
    share = ray_share(Need(), jobs, [{"Resources": {"CPU": count}} for count in cores])
    assert share.environment[JOBS] == expected


def test_no_run_asks_for_more_cores_than_a_node_has():
    share = ray_share(Need(), 1, [{"Resources": {"CPU": 8.0}}] * 2)
    assert share.resources == {"num_cpus": 8}


def test_gpus_are_those_that_the_environment_leaves(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 3")
    assert visible_gpus() == ["2", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(slots.shutil, "which", lambda name: None)
    assert visible_gpus() == []
