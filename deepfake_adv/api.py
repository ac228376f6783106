"""The blur and the attacks on any classifier, a trained detector, and its scores of face crops.

Part of the public API; import these from ``deepfake_adv``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepfake_adv.attacks.ascent import AttackResult, ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.crops.codec import resize
from deepfake_adv.ops.blur import blur_pixelwise
from deepfake_adv.ops.checks import check_kernel_size
from deepfake_adv.prediction.scoring import score_crops
from deepfake_adv.training.trained import Trained, load_trained


class PixelwiseBlur(nn.Module):
    """`blur_pixelwise` as a module: blurs every pixel with its own Gaussian; paper Eqs. (4) and (5).

    Args:
        kernel_size: Window width in pixels, odd.

    Raises:
        ValueError: If ``kernel_size`` is even or below 1.
    """

    def __init__(self, kernel_size: int = 9) -> None:
        super().__init__()
        check_kernel_size(kernel_size)
        self.kernel_size = kernel_size

    def forward(self, images: Tensor, inverse_sigma: Tensor) -> Tensor:
        """Blur ``images`` (B, C, H, W) by the map ``inverse_sigma`` (B, 1, H, W), 1/pixels.

        Raises:
            ValueError: As `blur_pixelwise` does.
        """
        return blur_pixelwise(images, inverse_sigma, kernel_size=self.kernel_size)

    def extra_repr(self) -> str:
        """Arguments shown by ``print``."""
        return f"kernel_size={self.kernel_size}"


def attack(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    name: str = "blur",
    *,
    rng: torch.Generator | None = None,
    **params: Any,
) -> AttackResult:
    """Attack any classifier; paper Eqs. (1), (2) and (6).

    The model runs in eval mode with frozen weights; its mode and flags are restored. Each image's own loss is
    increased, so that the result for an image does not depend on the other images of its batch.

    Args:
        model: Images to logits ``(B, classes)``; normalisation sits inside it.
        images: ``(B, C, H, W)`` in [0, 1].
        labels: ``(B,)``, integers.
        name: ``fgsm``, ``iterative_fgsm``, ``pgd``, ``stadv``, ``blur`` or ``blur_multistep``.
        rng: For an attack with a random start; None: torch's global random state.
        params: Params of the attack, such as ``epsilon`` and ``steps``; others have their defaults.

    Returns:
        The adversarial images, the variable that made them, and each image's loss before and after.

    Raises:
        ValueError: If the attack or a parameter is unknown, or images, labels or logits are not as above.
    """
    return ascend(build_attack(name, **params), model, images, labels, rng=rng, measure=True)


class Attacker(nn.Module):
    """`attack` as a module: images and labels to adversarial images.

    The classifier is a submodule, so that ``.to(device)`` moves it too; its mode and weights are not changed.

    Args:
        model: Images in [0, 1] to logits ``(B, classes)``.
        name: As in `attack`.
        params: As in `attack`.

    Raises:
        ValueError: If the attack or a parameter is unknown.
    """

    def __init__(self, model: nn.Module, name: str = "blur", **params: Any) -> None:
        super().__init__()
        self.model = model
        self.attack = build_attack(name, **params)

    def forward(self, images: Tensor, labels: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Adversarial images ``(B, C, H, W)`` for ``images`` in [0, 1] with ``labels`` (B,), detached.

        Raises:
            ValueError: If images, labels or logits are not as `attack` says.
        """
        return ascend(self.attack, self.model, images, labels, rng=rng).images

    def extra_repr(self) -> str:
        """Arguments shown by ``print``."""
        return f"attack={self.attack}"


def load(folder: Path | str, device: torch.device | str = "cpu") -> Trained:
    """Load a trained detector: a run's, or one that `deepfake-adv export --format hub` wrote.

    Both give equal scores, bit for bit. Nothing in the folder is executed, and nothing is downloaded.

    Args:
        folder: <run>/<condition>/seed<k>, or the exported folder, on this machine. A name on a model hub is none:
            download it first.
        device: Where it is to run.

    Raises:
        FileNotFoundError: If there is no such detector.
        ValueError: If it is damaged, or this version cannot build it.
    """
    return load_trained(folder, device)


def score_images(trained: Trained, images: Sequence[NDArray[np.uint8]], *, batch_size: int = 32) -> NDArray[np.float64]:
    """P(fake) of face crops in memory; `predict` finds the faces in a file by itself.

    Args:
        trained: From `load_trained`.
        images: Square crops of faces, each ``(H, W, 3)`` uint8 RGB, of any size: brought to the detector's as in
            training. For a detector of clips they are the frames of one video, in order.
        batch_size: Images (or clips) at a time.

    Returns:
        ``(N,)`` in [0, 1].

    Raises:
        ValueError: If an image is not as above, or the detector's weights give a score that is not finite.
    """
    crops = np.empty((len(images), trained.image_size, trained.image_size, 3), np.uint8)
    for crop, image in zip(crops, images, strict=True):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(
                f"images must be (H, W, 3) uint8 each; got {image.dtype} of {image.shape}. Pass RGB crops of faces."
            )
        resize(image, crop)
    return score_crops(trained, crops, batch_size) if len(crops) else np.empty(0)
