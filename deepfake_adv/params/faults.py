"""Errors of params.yaml that involve several sections."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from deepfake_adv.names import ALL_FORGERIES, ALL_QUALITIES, FF_FORGERIES, Condition, Forgery, Quality
from deepfake_adv.params.datasets import PartSection
from deepfake_adv.params.entries import own_forgeries
from deepfake_adv.params.evaluation import ROLES
from deepfake_adv.params.schema import Params
from deepfake_adv.params.study_sizes import size_faults
from deepfake_adv.params.training import Run, recipe_faults
from deepfake_adv.suggestions import did_you_mean

_ROLES: Final[dict[str, str]] = {**dict.fromkeys(FF_FORGERIES, "FF++"), Forgery.DFD: "DFD", Forgery.CELEB: "Celeb-DF"}


def cross_faults(params: Params) -> list[str]:
    """Unknown names and values that do not fit together, one sentence each."""
    faults = []
    known = _forgeries(params)
    for name, part in params.parts.items():
        faults += _names(f"parts.{name}.dataset", part.dataset, params.datasets, "datasets")
    for name, run in params.runs.items():
        faults += _names(f"runs.{name}.method", run.method, params.methods, "methods")
        faults += _names(f"runs.{name}.detector", run.detector, params.detectors, "detectors")
        faults += _names(f"runs.{name}.tier", run.tier, params.tiers, "tiers")
        for condition in run.conditions:
            try:
                forgery, quality = Condition.parse(condition)
            except ValueError as error:
                faults.append(f"runs.{name}.conditions: {error}")
                continue
            if known and forgery not in known:
                hint = did_you_mean(forgery, known, "Name one of them, or add it to a dataset's forgeries.")
                faults.append(
                    f"runs.{name}.conditions must be of a forgery that a dataset has, {', '.join(known)}; "
                    f"got {condition!r}.{hint}"
                )
            if run.tier not in (quality, ALL_QUALITIES):
                fitting = " or ".join(dict.fromkeys((str(quality), ALL_QUALITIES)))
                faults.append(
                    f"runs.{name}.tier must hold the quality of its conditions; got {run.tier!r} for {condition}. "
                    f"Set it to {fitting}."
                )
        faults += recipe_faults(params.train, run, "runs", name, "train")
    for kind, names in (("parts", params.parts), ("runs", params.runs), ("datasets", params.datasets)):
        faults += [
            f"{kind}.{name} must be a name of letters, digits and _, since DVC drops other names; rename it."
            for name in names
            if not name.replace("_", "").isalnum()
        ]
        faults += _twins(kind, names)
    faults += _part_faults(params) + _test_faults(params)
    faults += _tier_faults(params) + _table_faults(params)
    return faults + _repeated_parts(params.parts) + _repeated_runs(params.runs) + _shared_roles(params)


def _forgeries(params: Params) -> list[str]:
    """What a condition may be of: forgeries of the parts' datasets, or a dataset; empty where a table decides that."""
    named = dict.fromkeys(part.dataset for part in params.parts.values())
    datasets = {name: params.datasets[name] for name in named if name in params.datasets}
    each = {name: [*(dataset.forgeries or own_forgeries(dataset.layout))] for name, dataset in datasets.items()}
    if not all(each.values()):
        return []
    found = list(dict.fromkeys(str(forgery) for forgeries in each.values() for forgery in forgeries))
    return [*found, *([ALL_FORGERIES] if set(found) & set(map(str, FF_FORGERIES)) else []), *each]


def _part_faults(params: Params) -> list[str]:
    """Batches that cannot be cut into as many parts as `accumulate` names, in the section and in runs' own recipes."""
    recipes = {"train": params.train.model_dump()}
    recipes |= {f"runs.{name}.train": {**recipes["train"], **run.train} for name, run in params.runs.items()}
    faults: dict[tuple[int, int], str] = {}
    for key, recipe in recipes.items():
        size, parts = recipe["batch_size"], recipe["accumulate"]
        if isinstance(size, int) and isinstance(parts, int) and parts > 0 and size % (2 * parts):
            faults.setdefault(
                (size, parts),
                f"{key}.batch_size must be a multiple of {2 * parts} (2 labels x {parts} "
                f"parts); got {size}. Change it or {key}.accumulate.",
            )
    return list(faults.values())


def _test_faults(params: Params) -> list[str]:
    """Test conditions of runs that are none, or of a quality that no part has; each once, with its first run."""
    faults: dict[str, str] = {}
    qualities = {str(part.quality) for part in params.parts.values()}
    for name, run in params.runs.items():
        for condition in run.test.conditions or ():
            try:
                quality = Condition.parse(condition).quality
            except ValueError as error:
                faults.setdefault(condition, f"runs.{name}.test.conditions: {error}")
                continue
            if quality not in (*qualities, ALL_QUALITIES):
                held = ", ".join(sorted(qualities))
                faults.setdefault(
                    condition,
                    f"runs.{name}.test.conditions must be of qualities that `parts` has, {held}; got {condition}. "
                    "Remove it, or add the part.",
                )
    return list(faults.values())


def _tier_faults(params: Params) -> list[str]:
    known = [*dict.fromkeys(str(part.quality) for part in params.parts.values()), ALL_QUALITIES]
    return [fault for tier in params.tiers for fault in _names("tiers", tier, known)]


def _table_faults(params: Params) -> list[str]:
    """Unknown entries in the section `tables`."""
    entries = [*params.detectors, *params.attack.classifiers, *params.datasets]
    faults = _names("tables.baseline", params.tables.baseline, params.methods)
    for role, entry in params.tables.roles.items():
        faults += _names("tables.roles", role, ROLES) + _names(f"tables.roles.{role}", entry, entries)
    return faults + _names("attack.table_reading", params.attack.table_reading, params.attack.readings)


def study_faults(params: Params) -> list[str]:
    """Errors in `examples`, `robustness` and `attack`, such as runs that do not exist."""
    faults = []
    if "all" not in params.tiers:
        faults.append(f"tiers must hold 'all', which the studies read; got {', '.join(params.tiers)}. Add it.")
    examples, robustness = params.examples, params.robustness
    drawn = {key: getattr(examples, key) for key in ("run", "generator_run")}
    read = [(f"examples.{key}", name) for key, name in drawn.items() if name]
    compared = [("robustness.runs", name) for name in robustness.runs]
    for key, name in (*read, *compared):
        faults += _names(key, name, params.runs)
    faults += _untrained(params, "examples", [name for _, name in read], examples.condition)
    faults += _untrained(params, "robustness", robustness.runs, robustness.condition)
    for key, name in (("examples.run", examples.run), *compared):
        run = params.runs.get(name)
        detector = params.detectors.get(run.detector) if run else None
        if detector and detector.name == "tsn":
            faults.append(f"{key} must be a run of a detector of single frames; got {name} of tsn. Name another.")
    for name in robustness.runs:
        seeds = params.runs[name].train.get("seeds", params.train.seeds) if name in params.runs else [robustness.seed]
        if isinstance(seeds, list) and robustness.seed not in seeds:
            faults.append(
                f"robustness.seed must be one of the seeds of {name}, {', '.join(map(str, seeds))}; "
                f"got {robustness.seed}. Name one of them."
            )
    return faults + size_faults(params)


def _untrained(params: Params, study: str, names: Sequence[str], condition: str) -> list[str]:
    """One sentence where runs of a study do not train on its condition."""
    known = {name: params.runs[name].conditions for name in names if name in params.runs}
    wrong = [name for name, conditions in known.items() if condition not in conditions]
    if not wrong:
        return []
    shared = [each for each in next(iter(known.values())) if all(each in others for others in known.values())]
    offered = f"a condition that its runs train on, such as {', '.join(shared)}" if shared else "one of all its runs"
    return [
        f"{study}.condition must be {offered}; got {condition!r}, which {', '.join(wrong)} does not train on. "
        "Name another, or other runs."
    ]


def _twins(section: str, names: Iterable[str]) -> list[str]:
    """Names that would share one folder on a case-insensitive file system."""
    seen: dict[str, str] = {}
    return [
        f"{section}.{name} must differ from {first} in more than case, since both are names of folders; rename one."
        for name in names
        if (first := seen.setdefault(name.lower(), name)) != name
    ]


def _repeated_parts(parts: Mapping[str, PartSection]) -> list[str]:
    seen: dict[tuple[str, str], str] = {}
    return [
        f"parts.{name} must be another dataset or quality than parts.{first}; got {part.dataset} {part.quality} twice. "
        "Remove one."
        for name, part in parts.items()
        if (first := seen.setdefault((part.dataset, str(part.quality)), name)) != name
    ]


def _repeated_runs(runs: Mapping[str, Run]) -> list[str]:
    """Runs that would fill the same table cell; method, detector and condition identify a cell."""
    seen: dict[tuple[str, str, str], str] = {}
    return [
        f"runs.{name}.conditions must name no condition that runs.{first} trains {run.detector} with {run.method} on; "
        f"got {condition}. Remove it from one of them, or give one another entry of methods or detectors."
        for name, run in runs.items()
        for condition in dict.fromkeys(run.conditions)
        if (first := seen.setdefault((run.method, run.detector, condition), name)) != name
    ]


def _shared_roles(params: Params) -> list[str]:
    """Tests of two datasets that would fill one cell of the tables, known by forgery, quality and role."""
    tiers = {run.tier for run in params.runs.values()}
    found: dict[tuple[str, str, str], list[str]] = {}
    for part in params.parts.values():
        dataset = params.datasets.get(part.dataset)
        if dataset is None or not tiers & {str(part.quality), ALL_QUALITIES}:
            continue
        for forgery in dataset.forgeries or own_forgeries(dataset.layout):
            role = _ROLES.get(str(forgery))
            asked = (part.quality == Quality.NATIVE) == (forgery == Forgery.CELEB)  # qualities that the tables have
            if role and asked and role not in params.tables.roles:
                found.setdefault((role, str(forgery), str(part.quality)), []).append(part.dataset)
    first = {
        role: f"{forgery} at {quality} in {' and '.join(names)}"
        for (role, forgery, quality), names in found.items()
        if len(names) > 1
    }
    return [
        f"tables.roles.{role} must name the dataset that stands for {role}; got none, and {held}. Name one of them."
        for role, held in first.items()
    ]


def _names(key: str, name: str, known: Iterable[str], section: str = "") -> list[str]:
    names = list(known)
    if name in names:
        return []
    if not names:
        return [f"{key} must be the name of an entry; got {name!r}, which is no entry. Add it, or remove the key."]
    hint = did_you_mean(name, names, f"Name one of them{f', or add it to `{section}`' * bool(section)}.")
    return [f"{key} must be one of {', '.join(names)}; got {name!r}.{hint}"]
