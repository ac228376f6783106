"""Checkpoints of a run in progress, and the weights of a finished one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save
from torch import nn

from deepfake_adv.files import atomic_write, sha256
from deepfake_adv.inputs import WEIGHTS as WEIGHTS

GENERATOR: Final = "generator.safetensors"


def save_checkpoint(path: Path, state: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically.

    Args:
        path: The file.
        state: Tensors, numbers, strings, lists and dicts only.
        params: Everything that decides the result; `load_checkpoint` compares it.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    with atomic_write(path) as temporary, open(temporary, "wb") as stream:
        try:
            torch.save({"params": dict(params), "state": dict(state)}, stream)
        except RuntimeError as error:  # torch raises its own error and keeps the disk's as context
            said = error.__context__
            if isinstance(said, OSError):
                raise OSError(said.errno, said.strerror, str(path)) from error
            raise


def load_checkpoint(path: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """Read a checkpoint of the same params into main memory, where optimisers keep their step counts.

    Raises:
        ValueError: If it cannot be read or is no checkpoint, or its params differ; names the differing keys.
    """
    try:
        # no pickled code: a checkpoint from elsewhere must not execute anything
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"checkpoint must be readable; got {type(error).__name__} from {path}. Delete it to start this run again."
        ) from error
    if not isinstance(content, dict) or not all(isinstance(content.get(key), dict) for key in ("params", "state")):
        raise ValueError(
            f"checkpoint must hold the dicts params and state; got others in {path}. Delete it to start this run again."
        )
    differing = differences(content["params"], params)
    if differing:
        raise ValueError(
            f"checkpoint must be of this run's params; got {path}, which differs in {', '.join(differing)}. "
            "Restore those keys to continue it, or delete it to start again."
        )
    state: dict[str, Any] = content["state"]
    return state


def differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Dotted keys whose values differ between two nested mappings."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = sorted({*old, *new}, key=str)
        absent = object()
        return [
            found
            for key in keys
            for found in differences(old.get(key, absent), new.get(key, absent), f"{prefix}.{key}".lstrip("."))
        ]
    return [] if old == new else [prefix]


def save_weights(path: Path, module: nn.Module) -> None:
    """Write a module's state as safetensors, each tensor contiguous.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(state))  # safetensors' own writer raises no OSError


def save_players(folder: Path, detector: nn.Module, adversary: nn.Module | None) -> None:
    """Write the weights of a run's networks.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    save_weights(folder / WEIGHTS, detector)
    if adversary is not None:
        save_weights(folder / GENERATOR, adversary)


def load_weights(path: Path, module: nn.Module, *, digest: str | None) -> None:
    """Read what `save_weights` wrote.

    Args:
        path: The file.
        module: The module that receives the weights.
        digest: SHA-256 of the file, from the run.json beside it. None for a scratch file that has no record.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If its digest differs, it is no safetensors file, or it is of another architecture; names the
            first keys that differ.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"weights must be a safetensors file; found none at {path}. Train it by `dvc repro`.")
    if digest is not None and (found := sha256(path)) != digest:
        raise ValueError(
            f"weights must be those that were trained (SHA-256 {digest:.12}… in run.json); got {found:.12}… in {path}. "
            "Copy the folder again, run `dvc checkout`, or train the run again."
        )
    try:
        state = load_file(path)
    except Exception as error:
        raise ValueError(f"weights must be a safetensors file; got {path} ({error}). Train it again.") from error
    own = module.state_dict()
    shapes = {name: value.shape for name, value in own.items()}
    theirs = {name: value.shape for name, value in state.items()}
    faults = differences(shapes, theirs)
    if faults:
        raise ValueError(
            f"weights must fit {type(module).__name__}; got {path}, which differs in {', '.join(faults[:5])}"
            f"{' and more' if len(faults) > 5 else ''}. Build the detector with the params that its "
            "run.json names; weights of another version of this code must be trained again."
        )
    module.load_state_dict(state)
