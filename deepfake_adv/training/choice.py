"""Which weights a run leaves: those of its best epoch, its last, or an average; `train.checkpoint`."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from deepfake_adv.data.batch import Batch
from deepfake_adv.training.averaging import REFRESHING_BATCHES, WeightAverage, first_averaged
from deepfake_adv.training.checkpoint import save_players
from deepfake_adv.training.step import TrainingStep
from deepfake_adv.training.validate import Validation


class WeightChoice:
    """Writes a run's weights, by the rule of its recipe.

    ``best`` follows validation on the run's own condition, where a pretrained detector is soon near its limit: which
    epoch is best is then chance, and what it does elsewhere differs from epoch to epoch. ``last`` and ``averaged``
    look at no validation. The generators of an averaged detector are those of the last step.

    Args:
        step: The training step, with detector and adversary.
        folder: Output folder; only rank 0 writes.
        steps: Of the whole training.
    """

    def __init__(self, step: TrainingStep, folder: Path, steps: int) -> None:
        self.step, self.folder, self.rule = step, folder, step.train.checkpoint
        self._average: WeightAverage | None = None
        if self.rule == "averaged":
            self._average = WeightAverage(step.detector, first_averaged(steps, step.train.averaged_share))

    def after_step(self, number: int) -> None:
        """Take the weights after this step, counted from 1, into the average."""
        if self._average is not None:
            self._average.update(number)

    def after_better_epoch(self) -> None:
        """Write the weights after an epoch that validated better than all before."""
        if self.rule == "best":
            self._save()

    def finish(
        self,
        batches: Iterable[Batch],
        number: int,
        validate: Callable[[], Validation],
        *,
        best: Mapping[str, Any],
        last: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write the weights at the end of training; those of the best epoch are written already.

        Args:
            batches: Training batches, to measure the statistics of averaged weights on.
            number: Steps so far.
            validate: Validates the detector as it is.
            best: Epoch, accuracy and AUC of the best epoch.
            last: The last epoch's row of the log.

        Returns:
            Which weights they are and what they validate to, for run.json.
        """
        if self.rule == "best":
            return {"checkpoint": self.rule, **best}
        self._save()
        if self._average is None:
            row = {"epoch": last["epoch"], "accuracy": last["val_acc"], "auc": last["val_auc"]}
            return {"checkpoint": self.rule, **row}
        self._average.apply()
        # the generators' statistics change here too, and are written already
        self.step.refresh_statistics(islice(batches, REFRESHING_BATCHES), number)
        found = validate()
        self._save(adversary=False)
        return {"checkpoint": self.rule, "steps": self._average.count, **found._asdict()}

    def _save(self, *, adversary: bool = True) -> None:
        if self.step.fabric.is_global_zero:
            save_players(self.folder, self.step.detector, self.step.method.adversary if adversary else None)

    def state_dict(self) -> dict[str, Any]:
        """The average so far; empty under other rules."""
        return {} if self._average is None else self._average.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave."""
        if self._average is not None:
            self._average.load_state_dict(state)
