"""The training loop of one detector: one condition, one seed; epochs, validation, checkpoints and outputs."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from deepfake_adv.data.batch import Batch
from deepfake_adv.data.loader import Loader
from deepfake_adv.files import sha256, write_json
from deepfake_adv.log import Progress
from deepfake_adv.names import Condition
from deepfake_adv.ops.checks import NotFinite
from deepfake_adv.params.training import Device
from deepfake_adv.training.checkpoint import GENERATOR, WEIGHTS, load_checkpoint, save_checkpoint
from deepfake_adv.training.choice import WeightChoice
from deepfake_adv.training.device import device_name, versions
from deepfake_adv.training.epoch_log import LiveLog, write_log
from deepfake_adv.training.loss_monitor import LossMonitor
from deepfake_adv.training.setup import Plan
from deepfake_adv.training.step import TrainingStep
from deepfake_adv.training.validate import Validation, fake_probabilities, judge

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
_CHECK_STEPS = 20  # steps between two checks of the losses on a GPU; each waits for the device


class Trainer:
    """Trains a detector and writes its weights, log and run.json; continues from the checkpoint in its folder.

    Args:
        plan: The run.
        condition: The training condition.
        seed: Seed of all random draws.
        step: The training step, with detector and adversary.
        batches: Training batches.
        validation: Validation batches.
        folder: Output folder; only rank 0 writes.
        device: How often to write checkpoints, and whether to log to DVCLive.
        data: Fingerprint of each manifest by split.
        code: Digest of the training code.
        inputs: SHA-256 of each weight file that the run starts from, by its key in params.
        faces: How the crops were made, as the manifest says; see `crops.record`.
        training_data: What its data are; see `reference.describe_data`.
        describe: Writes further files beside the weights, at the end, and gives their paths; see `write_reference`.
        times: CSV file with the time and speed of each epoch; None: not written. It is separate from `folder`, whose
            files must not depend on the clock, so that the same run writes the same bytes.
    """

    def __init__(
        self,
        plan: Plan,
        condition: Condition,
        seed: int,
        step: TrainingStep,
        batches: Loader,
        validation: Loader,
        folder: Path,
        *,
        device: Device,
        data: Mapping[str, str],
        code: str,
        inputs: Mapping[str, str] = MappingProxyType({}),
        faces: Mapping[str, Any] = MappingProxyType({}),
        training_data: Mapping[str, Any] = MappingProxyType({}),
        describe: Callable[[Path], Sequence[Path]] | None = None,
        times: Path | None = None,
    ) -> None:
        self.plan, self.condition, self.seed, self.step = plan, condition, seed, step
        self.batches, self.validation, self.folder, self.device, self.data = batches, validation, folder, device, data
        self.code, self.inputs, self.faces, self.times = code, dict(inputs), dict(faces), times
        self.training_data, self.describe = dict(training_data), describe
        self.fabric = step.fabric
        self.is_main = self.fabric.is_global_zero
        self.name = f"{plan.name} {condition} seed {seed}"
        self.params = {**plan.params(), "condition": str(condition), "seed": seed, "data": dict(data)}
        self.params |= {"inputs": self.inputs}
        self.choice = WeightChoice(step, folder, plan.train.epochs * (len(batches) + batches.step))
        self.losses = LossMonitor(_CHECK_STEPS if self.fabric.device.type == "cuda" else 1)
        self.history: list[dict[str, Any]] = []
        self.speeds: list[dict[str, Any]] = []  # time and speed of each epoch
        self.best: dict[str, Any] | None = None
        self.steps, self.seconds = 0, 0.0
        self._since = time.monotonic()
        self._saved = (0, self._since)  # step and time of the last checkpoint
        self._epoch_start = (self._since, 0)

    def run(self, *, after_step: Callable[[int], None] | None = None) -> None:
        """Train to the end.

        Args:
            after_step: Called with the count of steps after each; for tests.

        Raises:
            ValueError: If the checkpoint is damaged or of other params.
            FloatingPointError: If a loss is not finite; the last checkpoint stays.
            RuntimeError: If the device has too little memory.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / CHECKPOINT).exists():
            self._restore()
        live = LiveLog(self.folder / "dvclive", self.history) if self.is_main and self.device.dvclive else None
        train = self.plan.train
        steps = len(self.batches) + self.batches.step
        images = {"total": train.epochs * steps * train.batch_size, "initial": self.steps * train.batch_size}
        try:
            with Progress(**images, desc=self.name, unit="images", silent=not self.is_main) as progress:
                while not self.finished():
                    self._epoch(progress, steps, after_step)
                    if live is not None:
                        live.add(self.history[-1])
        finally:
            if live is not None:
                live.close()
        assert self.best is not None
        chosen = self.choice.finish(self.batches, self.steps, self.validate, best=self.best, last=self.history[-1])
        if self.is_main:
            self._finish(chosen)
        self.fabric.barrier()

    def finished(self) -> bool:
        """Whether all epochs are done, or the last `early_stop` epochs did not improve on the best."""
        train = self.plan.train
        done = len(self.history)
        stale = done - 1 - self.best["epoch"] if self.best else 0
        return done >= train.epochs or bool(train.early_stop and stale >= train.early_stop)

    def _epoch(self, progress: Progress, steps: int, after_step: Callable[[int], None] | None) -> None:
        epoch = self.batches.epoch
        self.step.schedule.set_epoch(epoch)
        self._epoch_start = (time.monotonic(), self.steps)
        for batch in self.batches:
            self._step(batch, epoch)
            place = f"epoch {epoch + 1}/{self.plan.train.epochs}, step {self.batches.step}/{steps}"
            progress.update(self.plan.train.batch_size, f"{place}, loss {self.losses.latest:.4f}")
            if self._checkpoint_due():
                self._save()
            if after_step is not None:
                after_step(self.steps)
        self._check_losses(epoch)
        self._end_epoch(epoch, progress)

    def _step(self, batch: Batch, epoch: int) -> None:
        try:
            losses = self.step.run(batch, self.steps)
            self.steps += 1
            self.losses.add(self.steps, losses)
            self.choice.after_step(self.steps)
        except NotFinite as error:  # raised by an operation, before the loss is known
            raise self._not_finite(f"{error.name} with {error.found} at step {self.steps + 1}", epoch) from error
        except FloatingPointError as error:
            raise self._not_finite(str(error), epoch) from error

    def _check_losses(self, epoch: int) -> None:
        """Raise if a loss since the last check is not finite; waits for the device."""
        try:
            self.losses.check()
        except FloatingPointError as error:
            raise self._not_finite(str(error), epoch) from error

    def _end_epoch(self, epoch: int, progress: Progress) -> None:
        start, before = self._epoch_start
        speed = (self.steps - before) * self.plan.train.batch_size / max(time.monotonic() - start, 1e-9)
        self.step.detector.end_epoch()
        found = self.validate()
        rates, losses = self.step.schedule.rates(), self.losses.means()
        row: dict[str, Any] = {"epoch": epoch, "step": self.steps, "lr": rates[0], "loss": losses.pop("loss")}
        if len(rates) > 1:
            row["adversary_lr"] = rates[-1]
        row |= losses | {"val_acc": found.accuracy, "val_auc": found.auc}
        self.history.append(row)
        self._record_speed(epoch, speed)
        self.losses.reset()
        if self.best is None or found > Validation(self.best["accuracy"], self.best["auc"]):
            self.best = {"epoch": epoch, "accuracy": found.accuracy, "auc": found.auc}
            self.choice.after_better_epoch()
        if self.is_main:
            write_log(self.folder / "log.csv", self.history)  # first: after its last checkpoint a run is complete
        self._save()
        progress.log(
            f"{self.name}: epoch {epoch + 1}/{self.plan.train.epochs}, loss {row['loss']:.4f}, validation accuracy "
            f"{100 * found.accuracy:.2f} %, AUC {100 * found.auc:.2f} %, {speed:.0f} images/s"
        )

    def _record_speed(self, epoch: int, speed: float) -> None:
        """Record when the epoch ended and how fast it was, in a file apart from the result."""
        self.speeds.append(
            {
                "epoch": epoch,
                "seconds": round(self.seconds + time.monotonic() - self._since, 1),
                "images_per_s": round(speed, 1),
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "threads": torch.get_num_threads(),
            }
        )
        if self.is_main and self.times is not None:
            write_log(self.times, self.speeds)

    def validate(self) -> Validation:
        """Accuracy and AUC on the validation frames of the training condition, over all ranks."""
        scores, labels, _ = fake_probabilities(self.step.detector, self.validation, self.fabric.autocast)
        if self.fabric.world_size > 1:
            gathered: list[Any] = [None] * self.fabric.world_size
            torch.distributed.all_gather_object(gathered, (scores, labels))
            scores, labels = (torch.cat([part[i] for part in gathered]) for i in (0, 1))
        lost = int((~scores.isfinite()).sum())
        if lost and self.is_main:
            logger.warning(
                "%s: validation scores must be finite; %d of %d are not and count as wrong. Lower "
                "train.learning_rate, or set train.precision to 32-true, if later epochs do not improve",
                self.name, lost, len(scores),
            )  # fmt: skip
        return judge(scores.numpy(), labels.numpy())

    def _checkpoint_due(self) -> bool:
        step, moment = self._saved
        if self.device.checkpoint_steps and self.steps - step >= self.device.checkpoint_steps:
            return True
        if self.fabric.world_size > 1 and self.steps % _CHECK_STEPS:  # ranks must agree, which costs a message
            return False
        due = time.monotonic() - moment >= 60 * self.device.checkpoint_minutes
        return bool(self.fabric.broadcast(due)) if self.fabric.world_size > 1 else due

    def _save(self) -> None:
        """Write a checkpoint, after a check that all losses so far are finite."""
        self._check_losses(self.batches.epoch)
        self._saved = (self.steps, time.monotonic())
        if self.is_main:
            state = {
                "players": self.step.state_dict(),
                "loader": self.batches.state_dict(),
                "losses": self.losses.state_dict(),
                "choice": self.choice.state_dict(),
                "history": self.history,
                "speeds": self.speeds,
                "best": self.best,
                "steps": self.steps,
                "seconds": self.seconds + time.monotonic() - self._since,
            }
            save_checkpoint(self.folder / CHECKPOINT, state, self.params)

    def _restore(self) -> None:
        state = load_checkpoint(self.folder / CHECKPOINT, self.params)
        try:
            self.step.load_state_dict(state["players"])
            self.batches.load_state_dict(state["loader"])
            self.losses.load_state_dict(state["losses"])
            self.choice.load_state_dict(state["choice"])
            self.history, self.speeds, self.best = state["history"], state["speeds"], state["best"]
            self.steps, self.seconds = state["steps"], state["seconds"]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"checkpoint must hold the complete state of a run; got {self.folder / CHECKPOINT}, in which "
                f"{error} is missing or wrong. Delete it to start this run again."
            ) from error
        logger.info("%s: continues at epoch %d, step %d", self.name, self.batches.epoch + 1, self.batches.step + 1)

    def _not_finite(self, found: str, epoch: int) -> FloatingPointError:
        saved = self.folder / CHECKPOINT
        left = f"The last good checkpoint is {saved}." if saved.exists() else "There is no checkpoint yet."
        return FloatingPointError(
            f"losses and their terms must be finite; got {found}, in epoch {epoch + 1} of {self.name}. "
            f"{left} Lower train.learning_rate, or set train.precision to 32-true."
        )

    def _finish(self, chosen: Mapping[str, Any]) -> None:
        """Write run.json, which marks a complete run, and delete the checkpoint."""
        files = [path for name in (WEIGHTS, GENERATOR) if (path := self.folder / name).exists()]
        files += self.describe(self.folder) if self.describe else ()
        write_json(
            self.folder / "run.json",
            {
                "run": self.plan.name,
                "condition": str(self.condition),
                "seed": self.seed,
                "params": self.plan.params(),
                "image_size": self.plan.image_size,
                "data": dict(self.data),
                "code": self.code,
                "versions": versions(),
                "device": device_name(self.fabric.device),
                "processes": self.fabric.world_size,
                "best": self.best,
                "weights": dict(chosen),
                "epochs": len(self.history),
                "steps": self.steps,
                "inputs": self.inputs,
                "faces": self.faces,
                "training_data": self.training_data,
                "files": {path.name: sha256(path) for path in files},
            },
        )
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
