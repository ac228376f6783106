"""A batch whose real faces carry forgeries of the synthesizer's choice."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.sladd.forge import ORIGINAL_FAKE, Configuration, Kind, forge, usable
from deepfake_adv.methods.sladd.heads import Targets
from deepfake_adv.methods.sladd.regions import FloatArray
from deepfake_adv.methods.sladd.synthesizer import Choice, Synthesizer
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.ops.draws import integers


class Forgeries(NamedTuple):
    """A batch after the synthesizer.

    Attributes:
        batch: Forged reals are labelled fake and carry their masks; everything else is as it was.
        targets: For the heads, one row per image or frame of a clip.
        candidates: ``(C,)`` int64, indices of the reals for which a configuration was chosen.
        choice: The configurations, C rows; None where C is 0.
        forged: Number of reals that were forged.
        without_landmarks: Number of reals without landmarks, which are unchanged.
    """

    batch: Batch
    targets: Targets
    candidates: Tensor
    choice: Choice | None
    forged: int
    without_landmarks: int


def untouched(batch: Batch) -> Targets:
    """The heads' targets for a batch as the dataset has it."""
    frames = batch.frames()
    kind = torch.where(frames.labels == FAKE_LABEL, ORIGINAL_FAKE, int(Kind.NOTHING))
    if frames.masks is not None:
        masks = frames.masks.clone()
    else:
        masks = frames.images.new_full((len(frames), 1, *frames.images.shape[2:]), float("nan"))
    masks[frames.labels == REAL_LABEL] = 0
    return Targets(masks, kind, frames.images.new_full((len(frames),), float("nan")))


def synthesize(batch: Batch, synthesizer: Synthesizer, rng: torch.Generator) -> Forgeries:
    """Forge the batch's reals, each with a fake of the same batch as its reference.

    All frames of a clip share one configuration, chosen from the first frame, and one deformation; a clip is
    forged as a whole or not at all.

    Args:
        batch: Images or clips with landmarks; without them nothing is forged.
        synthesizer: Chooses region, blending and magnitude.
        rng: The only source of randomness.
    """
    clips = batch.images if batch.clip_length is not None else batch.images[:, None]
    points = _points(batch, clips)
    known = [all(usable(frame, (clips.shape[3], clips.shape[4])) for frame in clip) for clip in points]
    labels = batch.labels.tolist()
    reals = [index for index, label in enumerate(labels) if label == REAL_LABEL]
    partners = [index for index, label in enumerate(labels) if label == FAKE_LABEL and known[index]]
    chosen = [index for index in reals if known[index]] if partners else []
    candidates = torch.tensor(chosen, dtype=torch.long, device=clips.device)
    targets, missing = untouched(batch), sum(not known[index] for index in reals)
    if not chosen:
        return Forgeries(batch, targets, candidates, None, 0, missing)
    references = [partners[draw] for draw in integers(len(partners), len(chosen), rng)]
    choice = synthesizer.choose(clips[chosen, 0], clips[references, 0], rng)
    seeds = integers(2**62, len(chosen), rng)

    images, clip_labels = clips.clone(), batch.labels.clone()
    masks, kinds, magnitude = (part.unflatten(0, clips.shape[:2]).clone() for part in targets)
    pixels = clips.detach().float().cpu().movedim(2, -1).numpy()
    choices = zip(choice.region.tolist(), choice.kind.tolist(), choice.magnitude.tolist(), strict=True)
    for index, reference, seed, (region, kind, share) in zip(chosen, references, seeds, choices, strict=True):
        configuration = Configuration(region, Kind(kind), share)
        made = _forged_clip(pixels, points, index, reference, configuration, seed)
        if made is None:
            continue
        images[index] = torch.from_numpy(made[0]).movedim(-1, 1).to(images)
        masks[index] = torch.from_numpy(made[1])[:, None].to(masks)
        clip_labels[index], kinds[index] = FAKE_LABEL, kind
        if kind == Kind.MIX:
            magnitude[index] = share
    forged = replace(
        batch,
        images=images.view_as(batch.images),
        labels=clip_labels,
        masks=None if batch.masks is None else masks.view_as(batch.masks),
    )
    count = int((clip_labels != batch.labels).sum())
    targets = Targets(*(part.flatten(0, 1) for part in (masks, kinds, magnitude)))
    return Forgeries(forged, targets, candidates, choice, count, missing)


def _forged_clip(
    pixels: FloatArray, points: FloatArray, index: int, reference: int, configuration: Configuration, seed: int
) -> tuple[FloatArray, FloatArray] | None:
    """Images ``(K, H, W, 3)`` and masks ``(K, H, W)`` of a clip forged by another; None where a frame cannot be."""
    frames = zip(pixels[index], points[index], pixels[reference], points[reference], strict=True)
    results = [forge(*frame, configuration, np.random.default_rng(seed)) for frame in frames]
    done = [result for result in results if result is not None]
    if len(done) < len(results):
        return None
    images, masks = zip(*done, strict=True)
    return np.stack(images), np.stack(masks)


def _points(batch: Batch, clips: Tensor) -> FloatArray:
    """Landmarks ``(B, K, 68, 2)``; all NaN where the batch has none."""
    if batch.landmarks is None:
        return np.full((*clips.shape[:2], 68, 2), np.nan, np.float32)
    return batch.landmarks.view(*clips.shape[:2], 68, 2).float().cpu().numpy()
