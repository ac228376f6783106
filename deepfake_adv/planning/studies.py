"""The studies `attack`, `robustness` and `examples`: what decides their time, and their cost. Imports no torch."""

from collections.abc import Iterator
from typing import Any, Final

from deepfake_adv.files import fingerprint
from deepfake_adv.names import Condition, Split
from deepfake_adv.params.schema import Params
from deepfake_adv.planning.calibration import Calibration, Pair, weightless
from deepfake_adv.planning.cost import Cost
from deepfake_adv.planning.rates import Rates
from deepfake_adv.planning.workload import Workload
from deepfake_adv.sources.checkout import code_digest

STUDIES: Final = ("attack", "robustness")
_MEGA = 1e6
_NO_CHANGE: Final = {"attack": {"count", "folder", "steps", "seed"}, "robustness": {"condition", "seed"}}
"""Keys that decide how often something is done, or to what, and not how long it takes once."""


def study_pairs(params: Params) -> dict[str, Pair]:
    """What a calibration times for each study that the profile has; `Pair.detector` is the study's name."""
    present = {"attack": params.attack.classifiers, "robustness": params.robustness.runs}
    return {study: Pair(study, "", _digest(params, study)) for study in STUDIES if present[study]}


def _digest(params: Params, study: str) -> str:
    settings: dict[str, Any] = {"params": _timed(getattr(params, study).model_dump(), _NO_CHANGE[study])}
    if study == "robustness":
        detectors = sorted({params.runs[run].detector for run in params.robustness.runs})
        settings["detectors"] = [weightless(params.detectors[name].model_dump()) for name in detectors]
        settings["image_size"] = params.train.image_size
    return fingerprint([code_digest(study), settings])


def _timed(section: Any, unread: set[str]) -> Any:
    if not isinstance(section, dict):
        return section
    return {key: _timed(value, unread) for key, value in weightless(section).items() if key not in unread}


def study_costs(
    params: Params, workload: Workload, rates: Rates, calibration: Calibration, *, on_gpus: bool
) -> Iterator[Cost]:
    """`attack` and `robustness`, from the calibration if there is one, else not known; and `examples`."""
    images, training = params.attack.images, params.attack.training
    steps = training.steps if images.source == "identities" else 0
    counts: dict[str, tuple[float, int]] = {}
    if params.attack.classifiers:
        counts["attack"] = (images.count, steps)
    if params.robustness.runs:
        counts["robustness"] = (_degraded(params, workload), 0)
    pairs = study_pairs(params) if calibration else {}
    for study, (count, trained) in counts.items():
        finding = calibration.of(pairs[study]) if study in pairs else None
        cpu_s = gpu_s = None
        note = "" if finding else "its time is not known without `deepfake-adv plan --calibrate`"
        if finding:
            spent = finding.build + trained * finding.step + count * finding.image
            start = rates[f"start.{study}.cpu_s"]
            cpu_s, gpu_s = (start, spent) if on_gpus else (start + spent, 0.0)
        memory = (rates["start.robustness.mb"] + rates[f"{study}.mb"]) * _MEGA
        yield Cost(
            study, count, "images", cpu_s, gpu_s, longest_s=(gpu_s or 0.0), left=None, memory=memory,
            parallel=False, note=note,
        )  # fmt: skip
    if not (params.examples.run or params.examples.generator_run):
        return
    yield Cost(
        "examples", 2 * params.examples.count, "images", rates["start.examples.cpu_s"], left=None,
        memory=rates["start.robustness.mb"] * _MEGA, parallel=False, note="its start alone; it attacks a few images",
    )  # fmt: skip


def _degraded(params: Params, workload: Workload) -> float:
    """Test crops that the study of robustness scores in every version."""
    wanted = params.robustness
    condition = Condition.parse(wanted.condition)
    return sum(
        videos.count * min(videos.sampled, wanted.frames)
        for part in workload.parts
        if condition.qualities() in (None, (part.quality,))
        for videos in part.videos
        if videos.split == Split.TEST and videos.forgery in ("real", *condition.forgeries())
    )
