"""Blur by generators that are trained against the detector: Gen-BAT and Two-Gen-BAT; paper Sec. III-C."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from deepfake_adv.attacks.ascent import frozen_eval
from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.generators.resnet import ResnetGenerator
from deepfake_adv.methods.base import Method, Update
from deepfake_adv.methods.frames import reverse_gradient
from deepfake_adv.methods.registry import register_method
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.ops.blur import blur_pixelwise
from deepfake_adv.ops.checks import check_kernel_size
from deepfake_adv.ops.losses import cross_entropy
from deepfake_adv.params.base import Odd


class Generators(nn.Module):
    """One generator for all images, or one for each label: G_r for reals, G_f for fakes.

    Args:
        both: Use one generator for real and another for fake images.
        arguments: Arguments of each `ResnetGenerator`.
    """

    def __init__(self, *, both: bool, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        names = ("real", "fake") if both else ("all",)
        self.players = nn.ModuleDict({name: ResnetGenerator(**arguments) for name in names})

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """The map of each image, from the generator of its label.

        Args:
            images: ``(N, 3, H, W)`` in [0, 1].
            labels: ``(N,)``, 0 real and 1 fake.

        Returns:
            ``(N, 1, H, W)``, 1/pixels.
        """
        if "all" in self.players:
            shared: Tensor = self.players["all"](images)
            return shared
        places, maps = [], []
        for name, label in (("real", REAL_LABEL), ("fake", FAKE_LABEL)):
            chosen = (labels == label).nonzero().flatten()
            if len(chosen):  # batch normalisation cannot take an empty batch
                places.append(chosen)
                maps.append(self.players[name](images[chosen]))
        return torch.cat(maps)[torch.cat(places).argsort()]


class GenerativeBlur(Method):
    """Pixel-wise blur whose map comes from one or two generators; paper Eq. (7).

    With ``update="alternating"``, as in the release, the generators take ``adversary_steps`` steps against the frozen
    detector in eval mode; then the detector trains on their new images. With ``update="reversal"`` one backward pass
    trains both: the gradient of the maps is reversed. The differences:

    - the generators are trained against the detector in training mode, with its batch statistics and dropout;
    - their gradient includes the auxiliary losses, and the effect of their images on the clean ones through shared
      batch statistics (with ``lam`` = 0 that effect is all that is left);
    - both are updated at once, so each reacts to the other's previous state;
    - there is one generator step per detector step, and it is faster.

    While training, the generators use batch statistics in both passes, so that the detector gets the same maps that
    they were trained to produce.

    Attributes:
        both: Use separate generators for reals and fakes (Two-Gen-BAT).

    Raises:
        ValueError: If an argument is unknown or out of range.
    """

    class Params(Method.Params):
        """Arguments of the game."""

        kernel_size: Odd = Field(9, description="Window width of the blur, pixels, odd.")
        generator: ResnetGenerator.Params = Field(
            ResnetGenerator.Params.read({}), description="Arguments of each generator."
        )
        adversary_steps: int = Field(
            1, ge=1, description="Generator steps per detector step; no effect under `reversal`."
        )
        update: Update = Field(
            "alternating", description="alternating: the paper's game; reversal: both players in one backward pass."
        )

    adversary: Generators
    both: ClassVar[bool]
    attacks = True
    tiny = (
        {"generator": {"blocks": 1, "width": 4, "start": 1.0, "floor": 0.3}},
        {"generator": {"blocks": 1, "width": 4, "start": 1.0, "floor": 0.3}, "update": "reversal"},
        {"generator": {"blocks": 1, "width": 4, "start": 1.0, "floor": 0.3}, "adversary_steps": 2},
        {"generator": {"blocks": 1, "width": 4, "start": 1.0, "norm": 0.5}},
    )

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        params = self.params
        self.kernel_size = params.kernel_size
        self.adversary = Generators(both=self.both, arguments=params.generator.model_dump())
        self.joint = params.update == "reversal"
        self.adversary_steps = 0 if self.joint else params.adversary_steps

    def check_size(self, side: int) -> None:
        """Check the size for the blur and the generators."""
        check_kernel_size(self.kernel_size, side, side)
        for player in self.adversary.players.values():
            assert isinstance(player, ResnetGenerator)
            player.check_size(side, side)

    def inverse_sigma(self, frames: Batch) -> Tensor:
        """The generators' maps ``(N, 1, H, W)`` of single images, 1/pixels."""
        maps: Tensor = self.adversary(frames.images, frames.labels)
        return maps

    def blur(self, images: Tensor, inverse_sigma: Tensor) -> Tensor:
        """Images blurred pixel by pixel; paper Eqs. (4) and (5)."""
        return blur_pixelwise(images, inverse_sigma, kernel_size=self.kernel_size)

    def alter(self, model: nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """Blur every frame by its generator's map; masks do not change, since a blur moves no pixel."""
        with torch.set_grad_enabled(self.joint and torch.is_grad_enabled()):
            maps = self.inverse_sigma(frames)
            return replace(frames, images=self.blur(frames.images, reverse_gradient(maps)))

    def adversary_loss(self, detector: Detector, batch: Batch, rng: torch.Generator) -> Tensor:
        """Minus the frozen detector's mean cross-entropy on the blurred images, with their true labels.

        As in Eq. (7) the mean weights images by the size of their gradients. It uses the cross entropy itself, not the
        margin: images that the detector classifies with near certainty contribute little.
        """
        frames = batch.frames()
        blurred = batch.with_frames(replace(frames, images=self.blur(frames.images, self.inverse_sigma(frames))))
        with frozen_eval(detector):
            logits = detector(blurred.images)
        return -cross_entropy(logits, blurred.labels).mean()


@register_method("gen_bat")
class GenBat(GenerativeBlur):
    """One generator for all images; paper Eq. (7) and Sec. III-C."""

    both = False


@register_method("two_gen_bat")
class TwoGenBat(GenerativeBlur):
    """One generator for reals, another for fakes; paper Sec. III-C."""

    both = True
