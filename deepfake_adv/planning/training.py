"""Training, scoring and the stages after them: from the calibration if there is one, else not known."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from deepfake_adv.evaluation.scores import conditions
from deepfake_adv.names import REAL, Condition, Split
from deepfake_adv.params.schema import Params
from deepfake_adv.params.training import Run, Train, recipe
from deepfake_adv.planning.calibration import Calibration, Finding, Pair
from deepfake_adv.planning.cost import Cost
from deepfake_adv.planning.datapath import crop_side
from deepfake_adv.planning.rates import Rates
from deepfake_adv.planning.workload import Workload
from deepfake_adv.reporting.shown.base import LINES
from deepfake_adv.training.fleet import RECORD_EVERY

_MEGA: Final = 1e6


@dataclass(frozen=True)
class RunCost:
    """The cost of one run: all its conditions and seeds.

    Attributes:
        name: Name of the run.
        trainings: Conditions times seeds.
        tested: Crops that each of its detectors scores.
        conditions: Test conditions that each of its detectors is evaluated on.
        results: Results of its evaluation: training conditions times test conditions, all seeds together.
        device_s: Seconds on its devices for training; None without a calibration.
        score_s: Seconds on its devices for scoring.
        load_s: CPU seconds to decode its crops for training and validation.
        load_score_s: CPU seconds to decode its crops for scoring.
        start_s: Seconds to start the process that trains, a fork of train-all's.
        start_score_s: Seconds to start the process that scores.
        finding: Calibration result that the numbers come from.
    """

    name: str
    trainings: int
    tested: float
    conditions: int
    results: int
    device_s: float | None
    score_s: float | None
    load_s: float
    load_score_s: float
    start_s: float
    start_score_s: float
    finding: Finding | None

    def of(self, stage: str) -> tuple[float | None, float, float]:
        """For `train` or `score`: seconds on its devices, CPU seconds to decode, seconds to start."""
        if stage == "train":
            return self.device_s, self.load_s, self.start_s
        return self.score_s, self.load_score_s, self.start_score_s


def run_costs(
    params: Params, workload: Workload, rates: Rates, pairs: dict[str, Pair], calibration: Calibration, *, stages: int
) -> list[RunCost]:
    """Every run of a profile.

    Args:
        params: Params of the profile.
        workload: Amount of work.
        rates: Measured rates.
        pairs: The pair of each run.
        calibration: Results for the device.
        stages: Stages in dvc.lock, which a stage checks at its start if it is new.
    """
    lock = stages * rates["start.lock"]
    return [_run(params, name, workload, rates, calibration.of(pairs[name]), lock) for name in params.runs]


def _run(params: Params, name: str, workload: Workload, rates: Rates, finding: Finding | None, lock: float) -> RunCost:
    run = params.runs[name]
    train = recipe(params.train, run)
    clip = finding.clip_length if finding else 1
    device_s, score_s, loaded = 0.0, 0.0, 0.0
    trainings = len(run.conditions) * len(train.seeds)
    for text in run.conditions:
        condition = Condition.parse(text)
        steps = _steps(train, workload, run.tier, condition, clip)
        checked = _validated(train, workload, run.tier, condition)
        epochs, seeds = train.epochs, len(train.seeds)
        if finding:
            once = steps * finding.step + checked / clip * finding.image / params.device.devices + finding.save
            reference = finding.build + checked / clip * finding.image  # at the end, by the chosen weights
            device_s += seeds * (finding.build + finding.warm + epochs * once + reference)
        passes = 1 if params.device.cache == "memory" else epochs
        drawn = steps * train.batch_size * clip
        loaded += seeds * passes * (checked + drawn)
    tested = crops_tested(workload, run)
    if finding:
        score_s = trainings * (finding.build + tested / clip * finding.image)
    crop_s = _load_seconds(workload, rates)
    load_s, load_score_s = loaded * crop_s, tested * crop_s
    start_s = rates["start.train.fork"] + lock * _finds_new_lock(device_s + load_s)
    start_score_s = rates["start.score.fork"] + lock * _finds_new_lock(score_s + load_score_s)
    conditions = conditions_tested(workload, run)
    return RunCost(
        name, trainings, tested, conditions, len(run.conditions) * conditions, device_s if finding else None,
        score_s if finding else None, load_s, load_score_s, start_s, start_score_s, finding,
    )  # fmt: skip


def _finds_new_lock(seconds: float) -> float:
    """Share of stages of this length whose start finds that train-all has written dvc.lock, and checks it."""
    return min(seconds / RECORD_EVERY, 1.0)


def crops_tested(workload: Workload, run: Run) -> float:
    """Crops that a detector of the run scores: of its test conditions, and of the reals beside them."""
    wanted = None if run.test.conditions is None else [Condition.parse(text) for text in run.test.conditions]
    most = run.test.frames
    crops = 0.0
    for part in workload.parts:
        videos = [each for each in part.videos if each.split == Split.TEST]
        if wanted is not None:
            here = [condition for condition in wanted if condition.qualities() in (None, (part.quality,))]
            fakes = {forgery for condition in here for forgery in condition.forgeries()}
            fakes &= {each.forgery for each in videos}
            videos = [each for each in videos if fakes and each.forgery in {*fakes, REAL}]
        crops += sum(each.count * (min(each.sampled, most) if most else each.sampled) for each in videos)
    return crops


def conditions_tested(workload: Workload, run: Run) -> int:
    """Test conditions of the run: those that it names, or all that its test videos allow, pooled ones included."""
    found: set[tuple[str, str]] = set()
    for dataset, parts in workload.datasets().items():
        tested = {part.quality: {each.forgery for each in part.videos if each.split == Split.TEST} for part in parts}
        qualities = sorted(quality for quality, forgeries in tested.items() if forgeries)
        allowed = map(str, conditions(sorted(set().union(*tested.values())), qualities))
        found |= {(dataset, name) for name in allowed if run.test.conditions is None or name in run.test.conditions}
    return len(found)


def _steps(train: Train, workload: Workload, tier: str, condition: Condition, clip: int) -> int:
    if train.sampling != "full":
        return train.steps_per_epoch or 1
    whole = int(max(workload.of_condition(tier, condition, Split.TRAIN)) / clip) // (train.batch_size // 2)
    return max(min(whole, train.steps_per_epoch or whole), 1)


def _validated(train: Train, workload: Workload, tier: str, condition: Condition) -> float:
    """Crops that an epoch's validation scores."""
    crops = sum(workload.of_condition(tier, condition, Split.VAL))
    most = train.validation_frames
    sampled = max((v.sampled for part in workload.parts for v in part.videos if v.split == Split.VAL), default=0)
    return crops * min(most / sampled, 1) if most and sampled else crops


def _load_seconds(workload: Workload, rates: Rates) -> float:
    """CPU seconds to read and decode one crop, mean over all."""
    pixels = count = 0.0
    for part in workload.parts:
        for videos in part.videos:
            pixels += videos.crops * crop_side(videos, rates) ** 2 / _MEGA
            count += videos.crops
    return rates["load.megapixel"] * pixels / count if count else 0.0


def training_costs(
    params: Params, workload: Workload, rates: Rates, runs: list[RunCost], *, on_gpus: bool, stages: int
) -> Iterator[Cost]:
    """`train`, `score` and `evaluate`."""
    trainings = sum(run.trainings for run in runs)
    scored = sum(run.trainings * run.tested for run in runs)
    missing = sum(run.finding is None for run in runs)
    note = f"{missing} of {len(runs)} runs are not calibrated" if missing else ""
    if any(recipe(params.train, run).early_stop for run in params.runs.values()) and not missing:
        note = "at most: early_stop may end a run earlier"
    findings = [run.finding for run in runs if run.finding]
    loaders = 0 if params.device.cache == "memory" else params.device.workers * rates["loader.worker_mb"] * _MEGA
    host = max((finding.host_bytes for finding in findings), default=0)
    for stage in ("train", "score"):
        spent = [run.of(stage) for run in runs]
        loading, start = sum(load for _, load, _ in spent), sum(start for _, _, start in spent)
        times = [time for time, _, _ in spent if time is not None]
        known = None if missing else sum(times)
        longest = 0.0 if missing else max(times, default=0.0)
        if on_gpus:
            gpu_s = None if known is None else known * params.device.devices
            cpu_s: float | None = start + loading
        else:
            gpu_s, cpu_s = 0.0, None if known is None else known + start + loading
        left: float | None = scored * rates["score.row_bytes"]
        if stage == "train":
            sizes = [run.finding.weights_bytes * run.trainings for run in runs if run.finding]
            left = None if missing else float(sum(sizes))
        yield Cost(
            stage, trainings if stage == "train" else scored, "trainings" if stage == "train" else "crops",
            cpu_s, gpu_s, longest, left=left, memory=None if missing else host + loaders, note=note,
        )  # fmt: skip
    longest_run = max((run.trainings * run.tested for run in runs), default=0.0)
    row, condition = (
        rates[f"evaluate.{unit}"] + params.evaluate.resamples * rates[f"intervals.{unit}"]
        for unit in ("row", "condition")
    )
    seconds = len(runs) * rates["start.evaluate.fork"]
    seconds += scored * row + sum(run.trainings * run.conditions for run in runs) * condition
    seconds += len(runs) * stages * rates["start.lock"] * _finds_new_lock(seconds / max(len(runs), 1))
    memory = rates["start.evaluate.mb"] + longest_run * rates["evaluate.row_mb"]
    each = rates["evaluate.condition_bytes"] + params.evaluate.resamples * rates["evaluate.replicate_bytes"]
    left = each * sum(run.results for run in runs)
    yield Cost("evaluate", len(runs), "runs", seconds, left=left, memory=memory * _MEGA)


def report_costs(params: Params, rates: Rates, runs: Sequence[RunCost], stages: int) -> Iterator[Cost]:
    """`tables` and `report`, and DVC itself with its number of stages."""
    drawn = curves(params) * rates["report.figure"] + sum(run.results for run in runs) * rates["report.condition"]
    for stage, more in (("tables", len(runs) * rates["tables.run"]), ("report", drawn)):
        seconds = rates[f"start.{stage}.cpu_s"] + rates[f"{stage}.constant"] + more
        memory = rates[f"start.{stage}.mb"] + len(runs) * rates[f"{stage}.run_mb"]
        yield Cost(stage, len(runs), "runs", seconds, memory=memory * _MEGA, parallel=False)
    each = rates["dvc.stage"] * stages / rates["dvc.stage.stages"]  # its lock is written whole after each
    yield Cost(
        "dvc", stages, "stages", stages * each, memory=0.0, parallel=False, note="DVC's own work after each stage"
    )


def curves(params: Params) -> int:
    """Figures of ROC and of training curves in the report: those of one detector and condition, so many lines each."""
    runs = Counter((run.detector, condition) for run in params.runs.values() for condition in run.conditions)
    seeds = len(params.train.seeds)
    found = 0
    for count in runs.values():
        for drawn in (min(LINES, count - start) for start in range(0, count, LINES)):
            found += 1 + math.ceil(drawn * seeds / LINES)
    return found
