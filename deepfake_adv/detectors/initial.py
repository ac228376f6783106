"""Initial weights from a file or a run's folder: read without executing anything, matched to a network by name."""

import logging
import pickle
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from deepfake_adv.inputs import PACKAGE, weights_in

logger = logging.getLogger(__name__)

NEAR_ENOUGH: Final = 0.5
"""Share of a network's weights that a file must hold; and of names that must begin alike for a common prefix."""
_WRAPPERS: Final = ("state_dict", "model_state_dict", "state_dict_ema", "model", "net", "detector", "weights")
_REMEDY: Final = "Where it was made, write `torch.save(model.state_dict(), path)` and name that file."


def names_tensors(weights: str | Path) -> bool:
    """Whether `weights` is a file or a run's folder, and neither the hub's cache nor a package."""
    return str(weights) != PACKAGE and (weights_in(Path(weights)) is not None or not Path(weights).is_dir())


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a run's folder, a .safetensors file, or a file that torch wrote.

    Nothing in the file is executed. The tensors may stand within a checkpoint, under `state_dict` or the like.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds a pickled model, or no tensors by name.
    """
    file = weights_in(path) or path
    if not file.is_file():
        raise FileNotFoundError(
            f"weights must be a run's folder or a file; found nothing at {file}. Correct `weights`, or set it to null."
        )
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        if found is None:
            raise ValueError(f"weights must be a file of tensors; got {path.name}, which is none. {_REMEDY}") from error
        raise ValueError(
            f"weights must be tensors by name; got {path.name}, which holds a pickled {found[1]}, and reading that "
            f"would execute code from the file. {_REMEDY}"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"weights must be a file of tensors; got {path.name}, which cannot be read ({reason}). {_REMEDY}"
        ) from error
    found_state = _tensors(content)
    if not found_state:
        raise ValueError(
            f"weights must be tensors by name; got {type(content).__name__} without any in {path.name}. {_REMEDY}"
        )
    return found_state


def _tensors(content: Any) -> dict[str, Tensor]:
    """The tensors of a state, or of the first state within a checkpoint."""
    if not isinstance(content, Mapping):
        return {}
    own = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if own:
        return own
    inner = [content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)]
    return next((state for state in map(_tensors, inner) if state), {})


def common_prefixes(names: Iterable[str]) -> list[str]:
    """Beginnings up to a dot that at least half of the names have, the shortest first; the first is empty."""
    counts = Counter[str]()
    total = 0
    for name in names:
        total += 1
        parts = name.split(".")[:-1]
        counts.update(".".join([*parts[:depth], ""]) for depth in range(1, len(parts) + 1))
    return ["", *sorted((prefix for prefix, count in counts.items() if count >= NEAR_ENOUGH * total), key=len)]


def fitting(stored: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The stored tensors that a network has too, by the network's names.

    A prefix that most names in the file have (``module.``, ``model.``, ``backbone.``) is dropped, and one that most of
    the network's names have is put before them, whichever makes most names and shapes agree.

    Args:
        stored: Tensors of a file.
        own: The network's state.
    """

    def renamed(drop: str, put: str) -> dict[str, Tensor]:
        named = {put + name.removeprefix(drop): value for name, value in stored.items() if name.startswith(drop)}
        return {name: value for name, value in named.items() if name in own and own[name].shape == value.shape}

    ways = [renamed(drop, put) for drop in common_prefixes(stored) for put in common_prefixes(own)]
    return max(ways, key=len)


def start_from(module: nn.Module, path: Path, *, complete: bool) -> None:
    """Load what fits of a file's or a run's weights; a head of two classes is kept, any other starts at random.

    Args:
        module: The network.
        path: See `read_state`.
        complete: Whether to refuse a file with less than half of the network's weights; else another reader has
            checked it.

    Raises:
        FileNotFoundError: As `read_state`.
        ValueError: As `read_state`, or if the file holds another network's weights.
    """
    own = module.state_dict()
    found = fitting(read_state(path), own)
    wanted = [name for name, value in module.named_parameters() if value.ndim > 1]
    matched = sum(name in found for name in wanted)
    if complete and matched < NEAR_ENOUGH * len(wanted):
        raise ValueError(
            f"weights must be those of {type(module).__name__}; got {path.name}, which holds {matched} of its "
            f"{len(wanted)} weight tensors by name and shape. Name a file of this network, with its size and options."
        )
    if matched < NEAR_ENOUGH * len(wanted):
        return  # the other reader has translated the file's names
    module.load_state_dict(found, strict=False)
    lacking = [name for name in wanted if name not in found]
    told = f"; at random: {', '.join(lacking[:5])}{' and more' if len(lacking) > 5 else ''}" if lacking else ""
    logger.info("%d of %d weight tensors are those of %s%s", matched, len(wanted), path, told)
