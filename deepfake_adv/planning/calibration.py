"""Results of a short calibration: read, saved, and looked up for a run. Imports no torch.

A finding holds for one device, one version of torch, the code that trains the run, and the settings that decide how
long a step takes. So it is measured once, and never used for other conditions.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from deepfake_adv.files import fingerprint, read_json_object, write_json
from deepfake_adv.params.schema import Params
from deepfake_adv.params.training import Device, Run, Train, recipe
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.sources.closure import entries_of

FILE: Final = Path("work/calibration.json")
_WEIGHTS: Final = ("pretrained", "weights")  # initial weights do not change a step's duration


@dataclass(frozen=True)
class Pair:
    """A detector with a method, used by one or more runs; or a study of trained networks.

    Attributes:
        detector: Name of an entry of `detectors`; of a study, its name.
        method: Name of an entry of `methods`; of a study, empty.
        digest: Digest of settings and code.
        run: The first run that has it; its recipe is the pair's.
    """

    detector: str
    method: str
    digest: str
    run: str = ""


@dataclass(frozen=True)
class Finding:
    """Times of a pair on one device, seconds unless stated otherwise.

    Of a study, `step` is one training step of all its classifiers, and `image` one image in all its versions.

    Attributes:
        digest: Digest of the pair.
        device: Name of the device.
        kind: "cpu" (times are CPU seconds of one thread) or "cuda".
        torch: Version of torch.
        step: One training step of one device's share of a batch, median.
        image: Scoring one image or clip.
        build: Building both networks.
        warm: Extra time of the first step.
        save: Saving a checkpoint and the weights.
        clip_length: Frames of a sample; 1 for images.
        weights_bytes: Size of the weights that one training writes.
        host_bytes: Peak main memory.
        gpu_bytes: Peak memory on the device; 0 on a CPU.
        gpu_total_bytes: Total memory of the device; 0 on a CPU.
    """

    digest: str
    device: str
    kind: str
    torch: str
    step: float
    image: float
    build: float
    warm: float
    save: float
    clip_length: int
    weights_bytes: int
    host_bytes: int
    gpu_bytes: int = 0
    gpu_total_bytes: int = 0


def pairs_of(params: Params, runs: Iterable[str] | None = None) -> dict[str, Pair]:
    """The pair of each run, by the run's name.

    Args:
        params: Params of a profile whose plug-ins are in use.
        runs: Names; None for all.
    """
    found: dict[str, Pair] = {}
    known: dict[tuple[str, str, str], Pair] = {}
    for name in params.runs if runs is None else runs:
        run = params.runs[name]
        key = run.detector, run.method, fingerprint(run.train)
        if key not in known:
            known[key] = Pair(*key[:2], _digest(params, run), name)
        found[name] = known[key]
    return found


def share(train: Train, device: Device) -> int:
    """Images of a batch that one device gets."""
    return train.batch_size // (device.devices * device.nodes)


def _digest(params: Params, run: Run) -> str:
    entries = params.detectors[run.detector].model_dump(), params.methods[run.method].model_dump()
    train, device = recipe(params.train, run), params.device
    settings = {
        "entries": [weightless(entry) for entry in entries],
        "image_size": entries[0].get("image_size") or train.image_size,
        "batch": [share(train, device), train.accumulate],
        "precision": train.precision,
        "optimizer": train.optimizer,
        "device": [device.channels_last, device.compile],
    }
    code = code_digest("train", entries_of("detector", entries[0]) | entries_of("method", entries[1]))
    return fingerprint([code, settings])


def weightless(entry: Any) -> Any:
    """An entry without the keys of initial weights."""
    if not isinstance(entry, Mapping):
        return entry
    loaded = [key for key in _WEIGHTS if not isinstance(entry.get(key), Mapping)]  # else weights are of a loss
    return {key: weightless(value) for key, value in entry.items() if key not in loaded}


def untrained(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without pretrained weights, which do not change a step's duration."""
    own = {key: untrained(value) if isinstance(value, Mapping) else value for key, value in entry.items()}
    loaded = {"pretrained": False, "weights": None}
    return own | {key: value for key, value in loaded.items() if not isinstance(own.get(key, {}), Mapping)}


class Calibration:
    """Findings on one device, by the digest of a pair.

    Args:
        findings: Results on one device.
    """

    def __init__(self, findings: Sequence[Finding] = ()) -> None:
        self._findings = {finding.digest: finding for finding in findings}

    def __bool__(self) -> bool:
        return bool(self._findings)

    @property
    def device(self) -> str:
        """Name of the device; empty without results."""
        return next((finding.device for finding in self._findings.values()), "")

    def of(self, pair: Pair) -> Finding | None:
        """The result for a pair."""
        return self._findings.get(pair.digest)


def torch_version() -> str:
    """Version of the installed torch, without importing it."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""


def read_findings(path: Path = FILE) -> list[Finding]:
    """All saved results.

    Raises:
        ValueError: If the file has another format.
    """
    if not path.exists():
        return []
    content = read_json_object(path, {"findings": list})
    try:
        return [Finding(**facts) for facts in content["findings"]]
    except TypeError as error:
        raise ValueError(
            f"{path} must hold findings of `deepfake-adv plan --calibrate`; got others ({error}). Delete it."
        ) from error


def keep(finding: Finding, path: Path = FILE) -> None:
    """Save a result; it replaces an earlier one of the same pair, device and torch."""
    others = [
        each
        for each in read_findings(path)
        if (each.digest, each.device, each.torch) != (finding.digest, finding.device, finding.torch)
    ]
    write_json(path, {"findings": [asdict(each) for each in [*others, finding]]})


def calibration_for(
    pairs: Iterable[Pair], findings: Iterable[Finding], *, gpus: bool, device: str | None = None
) -> Calibration:
    """The results to use for a machine: of its kind of device, and of the device with the most timed pairs.

    Args:
        pairs: The pairs that a profile trains.
        findings: All saved results.
        gpus: Whether the machine trains on GPUs.
        device: Part of a device's name, if several were calibrated; None for the one with most pairs.

    Raises:
        ValueError: If `device` matches no calibrated device.
    """
    wanted = {pair.digest for pair in pairs}
    kind = "cuda" if gpus else "cpu"
    fitting = [
        each for each in findings if each.digest in wanted and each.kind == kind and each.torch == torch_version()
    ]
    if device is not None:
        known = sorted({each.device for each in fitting})
        fitting = [each for each in fitting if device.casefold() in each.device.casefold()]
        if not fitting:
            raise ValueError(
                f"--device must be part of a calibrated device's name; got {device!r}, and "
                f"{', '.join(known) or 'none'} fits. Run `deepfake-adv plan --calibrate` on that device."
            )
    counts = Counter(each.device for each in fitting)
    most = counts.most_common(1)[0][0] if counts else ""
    return Calibration([each for each in fitting if each.device == most])
