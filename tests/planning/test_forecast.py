from dataclasses import replace

import pytest

from deepfake_adv.planning.calibration import Calibration, pairs_of
from deepfake_adv.planning.forecast import forecast
from deepfake_adv.planning.machine import Machine
from deepfake_adv.planning.text import forecast_dict, forecast_lines
from deepfake_adv.planning.workload import read_workload

NODE = Machine(cores=64, gpus=8, memory=5e11, disk=4e12)


@pytest.fixture
def reckon(profile, rates, all_found):
    """A forecast of the paper profile; `found` alters the findings, None for no calibration."""

    def reckon(machine=NODE, found=None, jobs=None, copies=False, **changes):
        params = profile(**changes)
        calibration = None if found is None else Calibration(all_found(params, **found))
        load = read_workload(params)
        return forecast(
            params, load, rates, machine, pairs=pairs_of(params), calibration=calibration, jobs=jobs, copies=copies
        )

    return reckon


def line(forecast, stage):
    return next(line for line in forecast.lines if line.cost.stage == stage)


CUDA = {"kind": "cuda", "device": "GPU"}


def test_without_a_calibration_training_is_not_guessed(reckon):
    found = reckon()
    assert line(found, "train").hours is None
    assert line(found, "train").cost.gpu_s is None
    assert line(found, "evaluate").hours is not None
    assert all(run.device_s is None for run in found.runs)


def test_a_run_is_its_steps_its_validation_and_its_checkpoints(reckon):
    found = reckon(found=CUDA)
    run = next(run for run in found.runs if run.name == "efficientnet_NT_c23_baseline")
    # 30 epochs of 2,000 steps of 1 s, 28,000 validation images at 0.01 s, a checkpoint of 0.5 s; 3 s to begin; at the
    # end, the detector is built once more (2 s) and scores the validation images
    assert run.device_s == pytest.approx(3 + 30 * (2000 + 280 + 0.5) + 2 + 280)
    assert line(found, "train").cost.gpu_s == pytest.approx(sum(run.device_s for run in found.runs))


def test_studies_are_their_images_and_the_training_of_classifiers(reckon):
    found = reckon(found=CUDA)
    attack, robustness = (line(found, stage).cost for stage in ("attack", "robustness"))
    # the paper's classifiers are trained already: 50,000 images at 0.01 s, and 2 s to build
    assert attack.gpu_s == pytest.approx(2 + attack.count * 0.01)
    assert robustness.gpu_s == pytest.approx(2 + robustness.count * 0.01)
    assert line(found, "attack").hours == pytest.approx(attack.gpu_s / 3600)
    own = reckon(found=CUDA, attack__images__source="identities", attack__training__steps=80)
    assert line(own, "attack").cost.gpu_s == pytest.approx(attack.gpu_s + 80)
    on_cpu = reckon(replace(NODE, gpus=0), {"kind": "cpu"})
    assert line(on_cpu, "robustness").cost.cpu_s == pytest.approx(robustness.gpu_s + 1e-3)


def test_a_studys_time_is_not_guessed(reckon):
    found = reckon()
    assert line(found, "attack").hours is None
    assert "plan --calibrate" in line(found, "attack").cost.note
    assert line(found, "examples").hours is not None


def test_seeds_and_conditions_multiply(reckon):
    once, twice = (sum(run.device_s for run in reckon(found=CUDA, train__seeds=seeds).runs) for seeds in ([0], [0, 1]))
    assert twice == pytest.approx(2 * once)


def test_eight_gpus_are_faster_than_one_and_never_than_the_longest_run(reckon):
    one, eight = (line(reckon(replace(NODE, gpus=k), CUDA), "train").hours for k in (1, 8))
    assert eight == pytest.approx(one / 8, rel=0.01)
    many = reckon(replace(NODE, gpus=10_000, cores=10**6), CUDA)
    assert line(many, "train").hours == pytest.approx(max(run.device_s + 1e-3 for run in many.runs) / 3600)


def test_decoding_may_be_what_training_waits_for(reckon, rates):
    rates._values["load.megapixel"] = 10.0
    few, many = (line(reckon(replace(NODE, cores=k), CUDA), "train").hours for k in (8, 64))
    assert few > 7 * many


def test_without_gpus_runs_share_the_cores(reckon):
    found = reckon(Machine(cores=4, gpus=0), {})
    assert found.jobs == 4
    train = line(found, "train")
    assert train.cost.gpu_s == 0
    assert train.hours == pytest.approx(sum(sum(run.of("train")) for run in found.runs) / 4 / 3600)


def test_cores_share_the_data_path_but_for_what_is_one_process(reckon):
    few, many = (reckon(Machine(cores=k, gpus=0)) for k in (2, 20))
    assert line(few, "crop").hours == pytest.approx(10 * line(many, "crop").hours, rel=0.01)
    assert line(few, "shard").hours == line(many, "shard").hours


def test_what_does_not_fit_is_named(reckon):
    assert reckon().misfits == []
    assert any("free" in said for said in reckon(replace(NODE, disk=1e6)).misfits)
    fits = reckon(replace(NODE, disk=reckon().disk * 1.5))
    assert fits.misfits == []
    (twice,) = reckon(replace(NODE, disk=reckon().disk * 1.5), copies=True).misfits
    assert "DVC's cache" in twice
    memory = reckon(replace(NODE, memory=1e9)).misfits
    assert any(said.startswith("crop needs") and "execution.workers" in said for said in memory)
    (host,) = [said for said in reckon(found=CUDA | {"host_bytes": 10**12}).misfits if said.startswith("train")]
    assert "--jobs" in host
    gpu = CUDA | {"gpu_bytes": 9 * 10**10, "gpu_total_bytes": 8 * 10**10}
    (small,) = reckon(found=gpu).misfits
    assert "102 of 102 runs need more than a GPU's 80 GB" in small
    assert reckon(replace(NODE, gpu_memory=1e11), gpu).misfits == []


def test_too_few_gpus_are_refused(reckon):
    with pytest.raises(ValueError, match=r"device\.devices must be at most the GPUs of the machine \(8\); got 16"):
        reckon(device__devices=16)
    with pytest.raises(ValueError, match=r"GPUs of the machine \(0\)"):
        reckon(Machine(4, 0), device__accelerator="cuda")
    assert reckon(Machine(4, 0), device__accelerator="cpu").jobs == 4


def test_a_run_on_two_gpus_takes_both(reckon):
    found = reckon(found=CUDA, device__devices=2)
    assert found.jobs == 4
    assert line(found, "train").cost.gpu_s == pytest.approx(2 * sum(run.device_s for run in found.runs))


def test_notes_say_where_numbers_are_from_and_what_is_to_be_fetched(reckon):
    notes = " ".join(reckon().notes)
    assert "no inventory yet" in notes
    assert "ffpp (512 GB)" in notes


def test_text_and_json_say_the_same(reckon, profile, rates):
    params = profile()
    found = reckon(found=CUDA)
    text = "\n".join(forecast_lines(found, params, rates, runs=True))
    values = forecast_dict(found, params, rates)
    assert "efficientnet_NT_c23_baseline" in text
    assert "timed on GPU" in text
    assert [stage["stage"] for stage in values["stages"]] == [each.cost.stage for each in found.lines]
    assert values["training"]["efficientnet_NT_c23_baseline"]["device_hours"] == pytest.approx(68403 / 3600, rel=0.01)
    assert values["does_not_fit"] == []


def test_text_says_what_is_not_known(reckon, profile, rates):
    text = "\n".join(forecast_lines(reckon(), profile(), rates))
    assert "How long training takes is not known: run `deepfake-adv plan --calibrate`" in text
    assert "Not included, since it is not known: the time of train, score, attack, robustness." in text
    short = "\n".join(forecast_lines(reckon(replace(NODE, disk=1e6)), profile(), rates))
    assert "Does not fit: the outputs need" in short
