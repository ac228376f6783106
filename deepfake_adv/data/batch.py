"""The batch: the input of one training or scoring step."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """Images or clips with their labels, and with masks, landmarks and manifest rows where they are known.

    Attributes:
        images: ``(B, 3, H, W)`` in [0, 1], or clips ``(B, K, 3, H, W)``.
        labels: ``(B,)`` int64, 0 real, 1 fake.
        masks: ``(B, 1, H, W)`` (clips: ``(B, K, 1, H, W)``) in [0, 1], zeros for reals, or None.
        landmarks: ``(B, 68, 2)`` (clips: ``(B, K, 68, 2)``) x and y in pixels of ``images``, NaN where a
            face has none, or None.
        rows: ``(B,)`` int64 rows of the manifest, or None.
    """

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None
    landmarks: Tensor | None = None
    rows: Tensor | None = None

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            ValueError: If ``images`` are neither images nor clips, or the tensors differ in length.
        """
        if self.images.ndim not in (4, 5):
            raise ValueError(
                f"images must be (B, 3, H, W) or (B, K, 3, H, W); got {tuple(self.images.shape)}. "
                "Add the batch dimension, or stack the frames of a clip."
            )
        for name in ("labels", "masks", "landmarks", "rows"):
            value = getattr(self, name)
            if value is not None and len(value) != len(self.images):
                raise ValueError(
                    f"{name} must have one entry per image ({len(self.images)}); got {len(value)}. "
                    "Make all tensors of a batch from the same rows."
                )

    def __len__(self) -> int:
        """Number of images or clips."""
        return len(self.images)

    @property
    def clip_length(self) -> int | None:
        """Frames per clip; None where the batch has single images."""
        return self.images.shape[1] if self.images.ndim == 5 else None

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """The same batch on another device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def split(self, label: int) -> "Batch":
        """The images of one label, in their order."""
        chosen = self.labels == label
        return self._map(lambda tensor: tensor[chosen])

    def frames(self) -> "Batch":
        """The frames of all clips as single images, each with its clip's label; images as they are."""
        length = self.clip_length
        if length is None:
            return self
        return Batch(
            self.images.flatten(0, 1),
            self.labels.repeat_interleave(length),
            None if self.masks is None else self.masks.flatten(0, 1),
            None if self.landmarks is None else self.landmarks.flatten(0, 1),
            None if self.rows is None else self.rows.repeat_interleave(length),
        )

    def with_frames(self, frames: "Batch") -> "Batch":
        """This batch with the images, labels and masks of altered frames.

        Args:
            frames: What ``frames()`` returned, altered; a clip takes its first frame's label.
        """
        length = self.clip_length
        if length is None:
            return replace(self, images=frames.images, labels=frames.labels, masks=frames.masks)
        shape = (len(self), length)
        return replace(
            self,
            images=torch.unflatten(frames.images, 0, shape),
            labels=torch.unflatten(frames.labels, 0, shape)[:, 0],
            masks=None if frames.masks is None else torch.unflatten(frames.masks, 0, shape),
        )

    def _map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        tensors = (self.images, self.labels, self.masks, self.landmarks, self.rows)
        return Batch(*(None if tensor is None else function(tensor) for tensor in tensors))  # type: ignore[arg-type]
