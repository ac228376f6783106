"""Checks, when params.yaml is read, that image sizes and windows of the studies fit together."""

from collections.abc import Iterable, Iterator
from math import ceil

from deepfake_adv.params.schema import Params


def size_faults(params: Params) -> list[str]:
    """Runs of several image sizes, and windows that are larger than the images, one sentence each."""
    faults = []
    sizes = {name: run_size(params, name) for name in params.robustness.runs}
    known = {name: size for name, size in sizes.items() if size is not None}
    if len(set(known.values())) > 1:
        got = ", ".join(f"{size} px ({name})" for name, size in known.items())
        faults.append(f"robustness.runs must share one image size; got {got}. Compare them in separate studies.")
    for key, size, windows in _windows(params, known.values()):
        faults += [
            f"{key} must be at most the images' {size} px; got {window}. Lower it, or take larger images."
            for window in windows
            if size is not None and window > size
        ]
    return faults


def run_size(params: Params, name: str) -> int | None:
    """Side of a run's images, pixels; None where there is no such run or detector."""
    run = params.runs.get(name)
    detector = params.detectors.get(run.detector) if run else None
    if detector is None:
        return None
    own = detector.model_dump().get("image_size")  # not checked here; another check reports its errors
    common = run.train.get("image_size", params.train.image_size) if run else None
    return own if isinstance(own, int) else common if isinstance(common, int) else None


def _windows(params: Params, sizes: Iterable[int]) -> Iterator[tuple[str, int | None, list[int]]]:
    """Keys of blur windows, the side of the images that they are for, and the windows."""
    attack, examples, robustness = params.attack, params.examples, params.robustness
    yield "attack.kernel_size", attack.images.image_size, [attack.kernel_size]
    yield "attack.kernel_sizes", attack.images.image_size, attack.kernel_sizes
    drawn, compared = run_size(params, examples.run), min(sizes, default=None)
    yield "examples.kernel_sizes", drawn, examples.kernel_sizes
    for section, size, entries in (("examples", drawn, examples.attacks), ("robustness", compared, robustness.attacks)):
        for label, entry in entries.items():
            window = entry.model_dump().get("kernel_size")
            yield f"{section}.attacks.{label}.kernel_size", size, [window] if isinstance(window, int) else []
    # three sigma to each side, as studies/degrade.py has it
    yield "robustness.blur's window", compared, [2 * max(ceil(3 * level), 1) + 1 for level in robustness.blur if level]
