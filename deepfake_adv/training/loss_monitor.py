"""Sums of the losses for the log, and an error at the first loss that is not finite."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor


class LossMonitor:
    """Sums named losses over an epoch without waiting for the device at each step.

    Args:
        every: Steps between two checks that all losses are finite. A check waits for the device; on a CPU it costs
            nothing, so that 1 is best there.

    Attributes:
        latest: The last loss that was checked, NaN before the first.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._sums: dict[str, Tensor] = {}
        self._count: dict[str, int] = {}
        self._unchecked: list[tuple[int, str, Tensor]] = []
        self.latest = float("nan")

    def add(self, step: int, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of a step.

        Raises:
            FloatingPointError: At the first loss that is not finite, with its name and step.
        """
        for name, loss in losses.items():
            value = loss.detach().float()
            self._unchecked.append((step, name, value))
            self._sums[name] = self._sums[name] + value.double() if name in self._sums else value.double()
            self._count[name] = self._count.get(name, 0) + 1
        if step % self.every == 0:
            self.check()

    def check(self) -> None:
        """Check the losses added since the last check.

        Raises:
            FloatingPointError: At the first loss that is not finite, with its name and step.
        """
        if not self._unchecked:
            return
        values = torch.stack([value for _, _, value in self._unchecked]).tolist()  # waits for the device once
        for (step, name, _), value in zip(self._unchecked, values, strict=True):
            if not math.isfinite(value):
                raise FloatingPointError(f"{name} is {value} at step {step}")
            if name == "loss":
                self.latest = value
        self._unchecked.clear()

    def means(self) -> dict[str, float]:
        """Mean of each loss since the last reset."""
        return {name: float(total) / self._count[name] for name, total in self._sums.items()}

    def reset(self) -> None:
        """Start an epoch."""
        self._sums.clear()
        self._count.clear()

    def state_dict(self) -> dict[str, dict[str, float]]:
        """Sums and counts so far."""
        return {"sums": {name: float(total) for name, total in self._sums.items()}, "count": dict(self._count)}

    def load_state_dict(self, state: Mapping[str, Mapping[str, float]]) -> None:
        """Continue an epoch."""
        self._sums = {name: torch.tensor(total, dtype=torch.float64) for name, total in state["sums"].items()}
        self._count = {name: int(count) for name, count in state["count"].items()}
