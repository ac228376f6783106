"""Backbones of timm, with pretrained weights from the hub, a cache folder, a file, a run or a package."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import timm
import torch
from huggingface_hub import try_to_load_from_cache
from pydantic import AfterValidator
from timm.models import get_pretrained_cfg
from torch import Tensor, nn

from deepfake_adv.detectors import narrow_xception  # noqa: F401  timm knows its model from here on
from deepfake_adv.detectors.initial import NEAR_ENOUGH, common_prefixes, read_state
from deepfake_adv.detectors.packaged import packaged_weights
from deepfake_adv.inputs import PACKAGE, WEIGHTS, weights_in


def create_backbone(model: str, *, pretrained: bool, weights: str | Path | None = None, **arguments: Any) -> Any:
    """Build one of timm's models.

    A classifier whose number of classes differs from the pretrained one's starts at random.

    Args:
        model: timm's name, with or without the tag of its weights.
        pretrained: Load weights; False starts at random and needs no network.
        weights: None: the hub, or its default cache where the file is there already. A folder: the hub's
            cache there. A run's folder, or a file (.safetensors, .pth): its weights; a prefix that their names have in
            common is dropped. "package": those of `PACKAGED`, which need no hub.
        arguments: The model's own, such as ``num_classes``.

    Raises:
        ValueError: If timm has no such model or tag, ``weights`` is given though ``pretrained`` is False,
            or the file holds another model's weights.
        FileNotFoundError: If the weights are neither in a cache nor available from the hub, or their package is
            not installed.
    """
    check_model(model)
    if not pretrained:
        if weights is not None:
            raise ValueError(
                f"weights must be null where pretrained is false; got {str(weights)!r}. "
                "Set `pretrained: true` to load them."
            )
        return timm.create_model(model, pretrained=False, **arguments)
    if weights == PACKAGE:
        overlay = {"state_dict": packaged_weights(model), "custom_load": False}
        return timm.create_model(model, pretrained=True, pretrained_cfg_overlay=overlay, **arguments)
    path = None if weights is None else Path(weights)
    if path is not None and (path.is_file() or weights_in(path) is not None):
        return _from_file(model, path, arguments)
    if path is not None and (runs := sorted((*path.glob(f"*/{WEIGHTS}"), *path.glob(f"*/*/{WEIGHTS}")))):
        raise ValueError(
            f"weights must be the folder of one detector, <run>/<condition>/seed<k>; got {path}. Name for example "
            f"{runs[0].parent}."
        )
    if path is not None and not path.is_dir():
        raise FileNotFoundError(
            f"weights must be a file or a cache folder; found nothing at {path}. "
            "Correct `weights`, or set it to null to load from the hub."
        )
    cached = _cached_file(model, path)
    if cached is not None:  # contacting the hub first would wait for a network that may not exist
        return _from_file(model, cached, arguments)
    try:
        return timm.create_model(model, pretrained=True, cache_dir=path, **arguments)
    except (OSError, RuntimeError) as error:
        raise FileNotFoundError(
            f"pretrained weights of {model} must be available; got {type(error).__name__}. Connect to the "
            "hub once, or point `weights` to a cache folder that holds them, or name a .safetensors or "
            ".pth file there."
        ) from error


def check_model(model: str) -> None:
    """Check that timm knows the model.

    Raises:
        ValueError: If timm has no such model, or no such tag of it.
    """
    architecture, _, tag = model.partition(".")
    if not timm.is_model(architecture):
        near = get_close_matches(architecture, timm.list_models(), n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "See timm.list_models()."
        raise ValueError(f"model must be one of timm's; got {model!r}. {hint}")
    known = timm.list_models(f"{architecture}.*", pretrained=True)
    if tag and model not in known:
        near = get_close_matches(model, known, n=1, cutoff=0)
        hint = f"Did you mean {near[0]!r}?" if near else f"Write {architecture!r} with no tag."
        raise ValueError(f"model must carry a tag that timm knows; got {model!r}. {hint}")


def _known(model: str) -> str:
    check_model(model)
    return model


TimmModel = Annotated[str, AfterValidator(_known)]
"""The name of one of timm's models in a detector's `Params`: `deepfake-adv check` refuses unknown ones."""


def _cached_file(model: str, cache: Path | None) -> Path | None:
    config = get_pretrained_cfg(model)
    if config is None or not config.hf_hub_id or config.custom_load:
        return None
    names = [config.hf_hub_filename] if config.hf_hub_filename else ["model.safetensors", "pytorch_model.bin"]
    for name in names:
        found = try_to_load_from_cache(config.hf_hub_id, name, cache_dir=cache)
        if isinstance(found, str):
            return Path(found)
    return None


def _from_file(model: str, path: Path, arguments: dict[str, Any]) -> nn.Module:
    hint = f"Name a file of {model}'s weights, or correct `model`."
    stored = read_state(path)
    try:
        with torch.device("meta"):
            own = timm.create_model(model, pretrained=False, **arguments).state_dict()
        # Under timm's names what fits; else a file with older names, which timm translates, without the usual prefix.
        drop = max(common_prefixes(stored), key=lambda prefix: _agreeing(stored, own, prefix))
        state = {name.removeprefix(drop): value for name, value in stored.items() if name.startswith(drop)}
        overlay = {"state_dict": dict(state), "custom_load": False}
        built = timm.create_model(model, pretrained=True, pretrained_cfg_overlay=overlay, **arguments)
    except Exception as error:  # timm's models each raise their own
        raise ValueError(
            f"weights must be a file of {model}'s weights; got {path.name}, which timm could not load "
            f"({type(error).__name__}). {hint}"
        ) from error
    # If the number of classes differs, timm accepts a file with other keys, and would train from scratch.
    held = {_content(value) for value in stored.values() if isinstance(value, Tensor)}
    wanted = [parameter for parameter in built.parameters() if parameter.ndim > 1]
    matched = sum(_content(parameter) in held for parameter in wanted)
    if matched < NEAR_ENOUGH * len(wanted):
        raise ValueError(
            f"weights must be a file of {model}'s weights; got {path.name}, which holds "
            f"{matched} of its {len(wanted)} weight tensors. {hint}"
        )
    return built


def _agreeing(stored: Mapping[str, Tensor], own: Mapping[str, Tensor], prefix: str) -> tuple[int, bool]:
    names = [name.removeprefix(prefix) for name in stored if name.startswith(prefix)]
    return sum(name in own for name in names), prefix == "module."


def _content(tensor: Tensor) -> tuple[int, float]:
    # Names and shapes may differ from the model's (timm renames on loading); values do not.
    return tensor.numel(), float(tensor.detach().double().sum())
