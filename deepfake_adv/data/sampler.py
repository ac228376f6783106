"""The crops of each batch of an epoch: balanced batches, a function of seed and epoch alone.

torch's `WeightedRandomSampler` balances classes only in the mean, and draws images, not videos.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.parquet import Ints

Mode = Literal["draws", "pairs", "full"]


class BalancedSampler:
    """Chooses the crops of epochs whose batches are half real, half fake.

    ``draws``: the videos of each class are visited in random order, again and again, and each visit draws one random
    frame, as in the paper's release. ``pairs``: fakes are drawn as before, and each comes with the real crop of its
    target that is nearest in time, so that a batch's classes differ by the forgery alone; a small detector learns from
    a small corpus this way, but not from independent draws. ``full``: every crop of the larger class once per epoch,
    the smaller class repeated; row groups are shuffled and `pool` of them are mixed at a time, so that reads are near
    one another and a batch still has many videos. With clips, every video once per pass.

    A clip's frames come one from each of `clip_length` equal segments of its video, at random (TSN).

    Args:
        labels: ``(N,)`` 0 or 1.
        videos: ``(N,)`` number of the video.
        frames: ``(N,)`` frame index in the video.
        groups: ``(N,)`` number of the row group.
        batch_size: Images (or clips) per batch, even.
        steps: Batches per epoch; None, in mode ``full`` only, for a complete pass.
        mode: See above.
        clip_length: Frames per sample.
        pool: Row groups mixed at a time.
        seed: Of all draws.
        targets: ``(N,)`` number of the crop's target, equal for a real and its fakes; for ``pairs``.

    Raises:
        ValueError: If `batch_size` is odd or leaves no batch in a pass, a class is missing, `steps` is missing, or in
            mode ``pairs`` no fake's target is among the reals.
    """

    def __init__(
        self,
        labels: Ints,
        videos: Ints,
        frames: Ints,
        groups: Ints,
        *,
        batch_size: int,
        steps: int | None,
        mode: Mode,
        clip_length: int = 1,
        pool: int = 64,
        seed: int = 0,
        targets: Ints | None = None,
    ) -> None:
        if batch_size < 2 or batch_size % 2:
            raise ValueError(f"batch_size must be even and at least 2; got {batch_size}. Half of a batch is real.")
        if mode != "full" and steps is None:
            raise ValueError(
                f"steps_per_epoch must be a number where sampling is {mode}; got null. Set train.steps_per_epoch."
            )
        self.half, self.mode = batch_size // 2, mode
        self.clip_length, self.pool, self.seed = clip_length, pool, seed
        self.classes = [
            _Class(np.flatnonzero(labels == label), videos, frames, groups) for label in (REAL_LABEL, FAKE_LABEL)
        ]
        if any(not len(side.rows) for side in self.classes):
            raise ValueError("labels must hold both classes; got one alone. Choose a condition with reals and fakes.")
        pass_steps = max(side.count if clip_length > 1 else len(side.rows) for side in self.classes) // self.half
        self._partners: Ints | None = None
        if mode == "pairs":
            assert targets is not None, "pairs need targets"
            self._partners = partners(labels, frames, targets)
            paired = np.flatnonzero(self._partners >= 0)
            if not len(paired):
                raise ValueError(
                    "sampling must be draws or full where no fake's target is among the reals; got pairs. "
                    "Correct train.sampling."
                )
            self.classes[1] = _Class(paired, videos, frames, groups)
        self.steps = pass_steps if steps is None else min(steps, pass_steps) if mode == "full" else steps
        if self.steps < 1:
            raise ValueError(
                f"batch_size must be at most twice the larger class; got {batch_size}, which leaves no batch "
                "in a pass. Lower train.batch_size or set train.sampling to draws."
            )

    def batches(self, epoch: int) -> Ints:
        """Rows of all batches of an epoch.

        Returns:
            ``(steps, batch_size, clip_length)``; a batch has its reals first, then its fakes.
        """
        need = self.steps * self.half
        if self._partners is not None:
            fakes = self.classes[1].visits(need, self.clip_length, np.random.default_rng([self.seed, epoch]))
            fakes = fakes.reshape(self.steps, self.half, self.clip_length)
            return np.concatenate([self._partners[fakes], fakes], axis=1)
        sides = []
        for label, side in enumerate(self.classes):
            rng = np.random.default_rng([self.seed, epoch, label])
            if self.mode != "full" or self.clip_length > 1:
                chosen = side.visits(need, self.clip_length, rng)
            else:
                chosen = _repeat(partial(side.shuffled, self.pool, rng), need)[:, None]
            sides.append(chosen.reshape(self.steps, self.half, self.clip_length))
        return np.concatenate(sides, axis=1)


class _Class:
    """The rows of one label, by video and by row group."""

    def __init__(self, rows: Ints, videos: Ints, frames: Ints, groups: Ints) -> None:
        self.rows = rows[np.lexsort((frames[rows], videos[rows]))]
        _, self.first, self.length = np.unique(videos[self.rows], return_index=True, return_counts=True)
        self.count = len(self.first)
        ordered = rows[np.argsort(groups[rows], kind="stable")]
        starts = np.unique(groups[ordered], return_index=True)[1] if len(ordered) else np.empty(0, np.int64)
        self.groups = np.split(ordered, starts[1:])

    def visits(self, need: int, clip_length: int, rng: np.random.Generator) -> Ints:
        """Rows of videos in random order, one random frame per segment: ``(need, clip_length)``."""
        videos = _repeat(lambda: rng.permutation(self.count), need)
        length = self.length[videos, None]
        edges = np.arange(clip_length + 1) * length // clip_length
        low = np.minimum(edges[:, :-1], length - 1)
        width = np.maximum(edges[:, 1:] - low, 1)  # a video shorter than the clip repeats frames
        offset = low + (rng.random(low.shape) * width).astype(np.int64)
        rows: Ints = self.rows[self.first[videos, None] + offset]
        return rows

    def shuffled(self, pool: int, rng: np.random.Generator) -> Ints:
        """Every row once, mixed within pools of random row groups."""
        order = rng.permutation(len(self.groups))
        pools = np.array_split(order, max(-(-len(order) // pool), 1))  # none longer than `pool`, none much shorter
        mixed = [rng.permutation(np.concatenate([self.groups[group] for group in part])) for part in pools]
        return np.concatenate(mixed)


def partners(labels: Ints, frames: Ints, targets: Ints) -> Ints:
    """For each fake the real of its target that is nearest in time; -1 for reals, and where there is none."""
    found = np.full(len(labels), -1, np.int64)
    reals, fakes = (np.flatnonzero(labels == label) for label in (REAL_LABEL, FAKE_LABEL))
    reals = reals[np.lexsort((reals, frames[reals], targets[reals]))]
    if not len(reals):
        return found
    # one increasing key for target and time; of equal keys the left one is the first row's
    span = int(frames.max(initial=0)) + 1
    keys, wanted = targets[reals] * span + frames[reals], targets[fakes] * span + frames[fakes]
    right = np.searchsorted(keys, wanted)
    left = np.searchsorted(keys, keys[np.maximum(right - 1, 0)])
    right = np.minimum(right, len(reals) - 1)
    gaps = [
        np.where(targets[reals[side]] == targets[fakes], np.abs(frames[reals[side]] - frames[fakes]), span)
        for side in (left, right)
    ]
    # of two that are equally near, the one whose row comes first
    earlier = (gaps[0] < gaps[1]) | ((gaps[0] == gaps[1]) & (reals[left] < reals[right]))
    best, gap = np.where(earlier, reals[left], reals[right]), np.minimum(*gaps)
    found[fakes] = np.where(gap < span, best, -1)
    return found


def _repeat(draw: Callable[[], Ints], need: int) -> Ints:
    """Call `draw` until there are `need` entries."""
    parts: list[Ints] = []
    while sum(map(len, parts)) < need:
        parts.append(draw())
    return np.concatenate(parts)[:need]


def covering_clips(count: int, clip_length: int) -> Ints:
    """Clips that cover every frame of a video at test time, so that every frame gets a score.

    Clip j takes the j-th frame of each of the equal segments. With one clip per video this would be TSN's rule, but for
    its offset.

    Returns:
        ``(clips, clip_length)`` positions in a video of `count` frames.
    """
    edges = np.arange(clip_length + 1) * count // clip_length
    low, width = np.minimum(edges[:-1], count - 1), np.maximum(np.diff(edges), 1)
    positions: Ints = low + np.minimum(np.arange(width.max())[:, None], width - 1)
    return positions


def covering_samples(videos: Ints, frames: Ints, rows: Ints, clip_length: int) -> Ints:
    """Samples ``(n, clip_length)`` of rows that contain each of `rows` at least once; see `covering_clips`."""
    if clip_length == 1:
        return rows[:, None]
    ordered = rows[np.lexsort((frames[rows], videos[rows]))]
    starts = np.flatnonzero(np.diff(videos[ordered], prepend=-1))
    parts = np.split(ordered, starts[1:])
    return np.concatenate([own[covering_clips(len(own), clip_length)] for own in parts])
