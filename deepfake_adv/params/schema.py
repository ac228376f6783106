"""The whole of params.yaml, and the faults that only show between its sections."""

from collections.abc import Iterable, Mapping

from deepfake_adv.names import Condition
from deepfake_adv.params.base import Section, did_you_mean
from deepfake_adv.params.corpus import Corpus
from deepfake_adv.params.datasets import Dataset, Extract, Inventory, Part
from deepfake_adv.params.detectors import DetectorEntry
from deepfake_adv.params.evaluation import Evaluate, Report, Tables
from deepfake_adv.params.execution import Execution
from deepfake_adv.params.faces import Crop, Locate, Shard
from deepfake_adv.params.methods import MethodEntry
from deepfake_adv.params.studies import Attack, Examples, Robustness
from deepfake_adv.params.training import Device, Run, Score, Train


class Params(Section):
    """params.yaml."""

    profile: str
    execution: Execution
    corpus: Corpus
    datasets: dict[str, Dataset]
    parts: dict[str, Part]
    tiers: list[str]
    inventory: Inventory
    extract: Extract
    locate: Locate
    crop: Crop
    shard: Shard
    detectors: dict[str, DetectorEntry]
    methods: dict[str, MethodEntry]
    runs: dict[str, Run]
    train: Train
    score: Score
    device: Device
    evaluate: Evaluate
    examples: Examples
    attack: Attack
    robustness: Robustness
    tables: Tables
    report: Report


def cross_faults(params: Params) -> list[str]:
    """Names that point nowhere, one sentence each."""
    faults = []
    for name, part in params.parts.items():
        faults += _names(f"parts.{name}.dataset", part.dataset, params.datasets)
    for name, run in params.runs.items():
        faults += _names(f"runs.{name}.method", run.method, params.methods)
        faults += _names(f"runs.{name}.detector", run.detector, params.detectors)
        faults += _names(f"runs.{name}.tier", run.tier, params.tiers)
        for condition in run.conditions:
            try:
                Condition.parse(condition)
            except ValueError as error:
                faults.append(f"runs.{name}.conditions: {error}")
    for kind, names in (("parts", params.parts), ("runs", params.runs), ("datasets", params.datasets)):
        faults += [
            f"{kind}.{name} must be a name of letters, digits and _, since DVC loses names with other signs; rename it."
            for name in names
            if not name.replace("_", "").isalnum()
        ]
        faults += _twins(kind, names)
    return faults + _repeated_parts(params.parts)


def study_faults(params: Params) -> list[str]:
    """What `examples`, `robustness` and `attack` read and no run leaves."""
    faults = []
    if "all" not in params.tiers:
        faults.append(f"tiers must hold 'all', which the studies read; got {', '.join(params.tiers)}. Add it.")
    examples, robustness = params.examples, params.robustness
    studied = [(f"examples.{key}", getattr(examples, key), examples.condition) for key in ("run", "generator_run")]
    studied += [("robustness.runs", name, robustness.condition) for name in robustness.runs]
    for key, name, condition in studied:
        unknown = _names(key, name, params.runs)
        faults += unknown
        if not unknown and condition not in (trained := params.runs[name].conditions):
            faults.append(
                f"{key.partition('.')[0]}.condition must be one that {name} trains on, {', '.join(trained)}; "
                f"got {condition!r}. Name one of them, or another run."
            )
    if robustness.seed not in params.train.seeds:
        seeds = ", ".join(map(str, params.train.seeds))
        faults.append(f"robustness.seed must be one of train.seeds, {seeds}; got {robustness.seed}. Name one of them.")
    return faults


def _twins(section: str, names: Iterable[str]) -> list[str]:
    """Names that would share one folder on a disk that knows no case."""
    seen: dict[str, str] = {}
    return [
        f"{section}.{name} must differ from {first} in more than case, since both name folders; rename one."
        for name in names
        if (first := seen.setdefault(name.lower(), name)) != name
    ]


def _repeated_parts(parts: Mapping[str, Part]) -> list[str]:
    seen: dict[tuple[str, str], str] = {}
    return [
        f"parts.{name} must be another dataset or quality than parts.{first}; got {part.dataset} {part.quality} twice. "
        "Remove one."
        for name, part in parts.items()
        if (first := seen.setdefault((part.dataset, str(part.quality)), name)) != name
    ]


def _names(key: str, name: str, known: Iterable[str]) -> list[str]:
    names = list(known)
    if name in names:
        return []
    return [f"{key} must be one of {', '.join(names)}; got {name!r}.{did_you_mean(name, names)}"]
