"""Averaged weights: their mean over the last steps of training, with the batch statistics that they have themselves."""

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_swa_multi_avg_fn

REFRESHING_BATCHES: Final = 100  # training batches that batch statistics of averaged weights are measured on, at most


class WeightAverage:
    """The running mean of a module's weights from some step on, all steps alike; Izmailov et al., 2018.

    It is of parameters alone: batch normalisation's statistics belong to one state of the weights, and a mean of them
    to none; `TrainingStep.refresh_statistics` measures them again. torch's `AveragedModel` would copy the module with
    all its buffers; its formula is used here.

    Args:
        module: Its parameters are watched, never changed before `apply`.
        first: Number of the first step whose weights count, from 1.
    """

    def __init__(self, module: nn.Module, first: int) -> None:
        self.first, self.count = first, 0
        self._weights = list(module.parameters())
        self._mean: list[Tensor] = []
        self._update = get_swa_multi_avg_fn()  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights as they are after this step into the mean."""
        if step < self.first:
            return
        if self.count:
            self._update(self._mean, self._weights, self.count)
        else:
            self._mean = [weight.detach().clone() for weight in self._weights]
        self.count += 1

    @torch.no_grad()
    def apply(self) -> None:
        """Write the mean into the module."""
        assert self.count, "the last step always counts"
        for weight, mean in zip(self._weights, self._mean, strict=True):
            weight.copy_(mean)

    def state_dict(self) -> dict[str, Any]:
        """The mean so far, and of how many steps it is."""
        return {"count": self.count, "mean": self._mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave."""
        self.count = state["count"]
        self._mean = [mean.to(weight) for mean, weight in zip(state["mean"], self._weights, strict=bool(self.count))]


def first_averaged(steps: int, share: float) -> int:
    """Number of the first of the last steps that make up a share of all; from 1, the last step at the latest.

    Args:
        steps: Of the whole training.
        share: In (0, 1].
    """
    return steps - max(round(share * steps), 1) + 1
