from dataclasses import replace

import pytest

from deepfake_adv.planning import calibration
from deepfake_adv.planning.calibration import Calibration, calibration_for, keep, pairs_of, read_findings

RUN = "efficientnet_NT_c23_grad_bat"


def pair(params, run=RUN):
    return pairs_of(params, [run])[run]


def test_runs_of_one_detector_and_method_share_a_pair(profile):
    found = pairs_of(profile())
    assert found["efficientnet_NT_c23_baseline"] is found["efficientnet_NT_raw_baseline"]
    assert len({each.digest for each in found.values()}) == len({(p.detector, p.method) for p in found.values()})


@pytest.mark.parametrize(
    "change",
    [
        {"train__batch_size": 64},
        {"train__precision": "32-true"},
        {"methods__grad_bat__steps": 3},
        {"detectors__efficientnet__image_size": 128},
        {"device__compile": True},
    ],
)
def test_what_decides_a_steps_time_makes_another_pair(profile, change):
    assert pair(profile(**change)).digest != pair(profile()).digest


@pytest.mark.parametrize(
    "change",
    [
        {"detectors__efficientnet__pretrained": False},
        {"train__epochs": 3},
        {"train__learning_rate": 1.0},
        {"device__workers": 1},
    ],
)
def test_what_does_not_is_no_other_pair(profile, change):
    assert pair(profile(**change)).digest == pair(profile()).digest


def test_other_code_makes_another_pair(profile, monkeypatch):
    before = pair(profile()).digest
    monkeypatch.setattr(calibration, "code_digest", lambda *_: "other")
    assert pair(profile()).digest != before


def test_findings_are_kept_one_for_each_device_and_torch(profile, finding, tmp_path):
    path, one = tmp_path / "work/calibration.json", finding(pair(profile()))
    assert read_findings(path) == []
    keep(one, path)
    keep(replace(one, device="GPU"), path)
    keep(replace(one, step=7.0), path)
    found = read_findings(path)
    assert {(each.device, each.step) for each in found} == {("GPU", 1.0), ("cpu (test)", 7.0)}


@pytest.mark.parametrize("text", ['{"findings": [{"step": 1}]}', '{"findings": 3}', "[]", "no json"])
def test_a_file_of_something_else_is_one_sentence(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"calibration\.json"):
        read_findings(path)


def test_only_what_holds_for_the_machine_is_taken(profile, finding):
    params = profile()
    mine = pair(params)
    here = finding(mine)
    others = [replace(here, kind="cuda"), replace(here, torch="0.1"), replace(here, digest="of other code")]
    assert calibration_for([mine], [here, *others], gpus=False).of(mine) == here
    assert not calibration_for([mine], others, gpus=False)
    assert calibration_for([mine], others, gpus=True).of(mine).kind == "cuda"


def test_of_two_devices_the_one_with_most_pairs_is_taken_or_the_one_named(profile, finding):
    params = profile()
    pairs = list(dict.fromkeys(pairs_of(params).values()))[:3]
    large = [finding(each, kind="cuda", device="NVIDIA H100", step=1.0) for each in pairs]
    small = [finding(each, kind="cuda", device="NVIDIA T4", step=9.0) for each in pairs[:1]]
    assert calibration_for(pairs, [*small, *large], gpus=True).device == "NVIDIA H100"
    assert calibration_for(pairs, [*small, *large], gpus=True, device="t4").of(pairs[0]).step == 9.0
    with pytest.raises(ValueError, match=r"--device must be part of .* got 'A100', and NVIDIA H100, NVIDIA T4 fits"):
        calibration_for(pairs, [*small, *large], gpus=True, device="A100")


def test_no_finding_is_no_device():
    assert Calibration().device == ""
    assert not Calibration()
