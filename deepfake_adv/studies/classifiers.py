"""Image classifiers to attack: models of timm, pretrained or trained by the demo; Tables VII, XII to XIV."""

import logging
from typing import Any

import timm
import torch
from timm.data.config import resolve_data_config
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.execution.prefetch import prefetch
from deepfake_adv.parquet import Ints
from deepfake_adv.studies.blocks import AHEAD
from deepfake_adv.studies.pictures import Pictures, as_images

logger = logging.getLogger(__name__)


class Classifier(nn.Module):
    """A timm classifier over images in [0, 1] of any size.

    Its own input size and normalisation are inside, so that an example crafted on one classifier can be
    evaluated on another, gradients included.

    Args:
        architecture: timm's name of the model.
        classes: Number of classes; None: as in the weights.
        image_size: Side that images are resized to, pixels; None: as in the weights.
        pretrained: Whether to load timm's weights.
        seed: Seed of random weights.

    Raises:
        ValueError: If timm has no such model, or its weights cannot be loaded.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        architecture: str,
        *,
        classes: int | None = None,
        image_size: int | None = None,
        pretrained: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model = _create(architecture, classes, pretrained, seed)
        config = resolve_data_config({}, model=self.model)
        self.image_size = image_size or int(config["input_size"][-1])
        self.register_buffer("mean", torch.tensor(config["mean"]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(config["std"]).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, classes)`` of images ``(B, 3, H, W)`` in [0, 1]."""
        side = self.image_size
        if images.shape[-2:] != (side, side):
            images = functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
        logits: Tensor = self.model((images - self.mean) / self.std)
        return logits


def _create(architecture: str, classes: int | None, pretrained: bool, seed: int) -> nn.Module:
    if not timm.is_model(architecture.partition(".")[0]):
        near = timm.list_models(f"*{architecture.partition('.')[0][:8]}*")[:3]
        raise ValueError(
            f"attack.classifiers architecture must be a model of timm; got {architecture!r}. "
            f"{'Near: ' + ', '.join(near) if near else 'See timm.list_models()'}."
        )
    keywords: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return timm.create_model(architecture, pretrained=pretrained, **keywords)
        except (OSError, RuntimeError) as error:
            if not pretrained:
                raise
            raise ValueError(
                f"weights of {architecture} must be available; got {type(error).__name__} from timm's hub. "
                "Connect to the network once, fill the cache folder named by HF_HOME, or set pretrained: false."
            ) from error


def train_classifier(
    classifier: Classifier,
    pictures: Pictures,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    workers: int = 0,
) -> None:
    """Train a classifier in place and set it to eval mode.

    Pictures are decoded a few batches ahead, in the order of `plan_training`.

    Args:
        classifier: On the device to train on.
        pictures: To learn from.
        steps: Optimiser steps.
        batch_size: Images per step.
        learning_rate: Peak of a one-cycle schedule of AdamW.
        seed: Of the order of images and their flips.
        workers: Threads that decode; 0: one per core.
    """
    device = classifier.mean.device
    optimiser = torch.optim.AdamW(classifier.parameters(), learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps)
    plan = plan_training(len(pictures), steps=steps, batch_size=batch_size, seed=seed)
    decoded = prefetch(pictures.decode, (places for places, _ in plan), workers=workers, most=AHEAD)
    classifier.train()
    for step, ((places, flip), pixels) in enumerate(zip(plan, decoded, strict=True)):
        batch = as_images(pixels, device)
        if flip:
            batch = batch.flip(-1)
        loss = functional.cross_entropy(classifier(batch), torch.from_numpy(pictures.labels[places]).to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 50 == 0 or step == steps - 1:
            logger.info("step %d of %d: loss %.3f", step + 1, steps, loss.item())
    classifier.eval()


def plan_training(count: int, *, steps: int, batch_size: int, seed: int) -> list[tuple[Ints, bool]]:
    """Indices of the pictures of each step, drawn with replacement, and whether the step mirrors them."""
    rng = torch.Generator().manual_seed(seed)
    plan = []
    for _ in range(steps):
        places = torch.randint(count, (batch_size,), generator=rng).numpy()
        plan.append((places, bool(torch.rand((), generator=rng) < 0.5)))
    return plan


@torch.no_grad()
def correct(classifier: nn.Module, images: Tensor, labels: Tensor, *, batch_size: int = 64) -> Tensor:
    """Which images ``(N, 3, H, W)`` in [0, 1] are classified as their labels; ``(N,)`` bool."""
    parts = zip(images.split(batch_size), labels.split(batch_size), strict=True)
    return torch.cat([classifier(part).argmax(1) == truth for part, truth in parts])
