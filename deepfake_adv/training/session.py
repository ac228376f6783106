"""One detector trained on one condition from one seed: epochs, validation, checkpoints, what is left."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from deepfake_adv.data.batch import Batch
from deepfake_adv.data.loader import Loader
from deepfake_adv.files import sha256, write_json
from deepfake_adv.names import Condition
from deepfake_adv.ops.checks import NotFinite
from deepfake_adv.params.training import Device
from deepfake_adv.training.checkpoint import GENERATOR, WEIGHTS, load_checkpoint, save_checkpoint, save_weights
from deepfake_adv.training.engine import Engine
from deepfake_adv.training.progress import LiveLog, Meter, write_log
from deepfake_adv.training.provenance import device_name, versions
from deepfake_adv.training.setup import Plan
from deepfake_adv.training.validate import Validation, fake_probabilities, judge
from deepfake_adv.training.watch import LossWatch

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
_LOOK = 20  # steps between waits for a GPU


class Session:
    """Trains and leaves weights, log and provenance in a folder; continues from the checkpoint in it.

    Args:
        plan: The run.
        condition: What it trains on.
        seed: Of everything random.
        engine: The players.
        batches: Training batches.
        validation: Validation batches.
        folder: Where everything goes; rank 0 alone writes.
        device: How often to write checkpoints, and whether to log to DVCLive.
        data: Fingerprint of each manifest by split.
        code: Digest of the code that trains it.
        inputs: SHA-256 of each weight file that the run starts from, by its key in params.
        times: CSV file for when and how fast; None for none. It is no part of the result: nothing in `folder` may
            depend on the clock, so that the same run leaves the same bytes.
    """

    def __init__(
        self,
        plan: Plan,
        condition: Condition,
        seed: int,
        engine: Engine,
        batches: Loader,
        validation: Loader,
        folder: Path,
        *,
        device: Device,
        data: Mapping[str, str],
        code: str,
        inputs: Mapping[str, str] = MappingProxyType({}),
        times: Path | None = None,
    ) -> None:
        self.plan, self.condition, self.seed, self.engine = plan, condition, seed, engine
        self.batches, self.validation, self.folder, self.device, self.data = batches, validation, folder, device, data
        self.code, self.inputs, self.times = code, dict(inputs), times
        self.fabric = engine.fabric
        self.main = self.fabric.is_global_zero
        self.name = f"{plan.name} {condition} seed {seed}"
        self.params = {**plan.params(), "condition": str(condition), "seed": seed, "data": dict(data)}
        self.params |= {"inputs": self.inputs}
        self.watch = LossWatch(_LOOK if self.fabric.device.type == "cuda" else 1)
        self.history: list[dict[str, Any]] = []
        self.pace: list[dict[str, Any]] = []  # when and how fast, an entry per epoch
        self.best: dict[str, Any] | None = None
        self.steps = 0
        self.seconds = 0.0
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
        live = LiveLog(self.folder / "dvclive", self.history) if self.main and self.device.dvclive else None
        train = self.plan.train
        steps = len(self.batches) + self.batches.step
        meter = Meter(self.name, train.epochs, steps, silent=not self.main)
        try:
            while not self.finished():
                self._epoch(meter, after_step)
                if live is not None:
                    live.add(self.history[-1])
        finally:
            if live is not None:
                live.close()
        if self.main:
            self._finish()
        self.fabric.barrier()

    def finished(self) -> bool:
        """Whether all epochs are done, or `early_stop` of them brought nothing better."""
        train = self.plan.train
        done = len(self.history)
        stale = done - 1 - self.best["epoch"] if self.best else 0
        return done >= train.epochs or bool(train.early_stop and stale >= train.early_stop)

    def _epoch(self, meter: Meter, after_step: Callable[[int], None] | None) -> None:
        epoch = self.batches.epoch
        self.engine.schedule.set_epoch(epoch)
        self._epoch_start = (time.monotonic(), self.steps)
        for batch in self.batches:
            self._step(batch, epoch)
            meter.update(epoch, self.batches.step - 1, self.plan.train.batch_size, self.watch.latest)
            if self._due():
                self._save()
            if after_step is not None:
                after_step(self.steps)
        self._look(epoch)
        self._end_epoch(epoch, meter)

    def _step(self, batch: Batch, epoch: int) -> None:
        try:
            losses = self.engine.step(batch, self.steps)
            self.steps += 1
            self.watch.add(self.steps, losses)
        except NotFinite as error:  # an op met it before a loss showed it
            raise self._not_finite(f"{error.name} with {error.found} at step {self.steps + 1}", epoch) from error
        except FloatingPointError as error:
            raise self._not_finite(str(error), epoch) from error

    def _look(self, epoch: int) -> None:
        """Wait for the losses not yet seen; none may be other than finite."""
        try:
            self.watch.look()
        except FloatingPointError as error:
            raise self._not_finite(str(error), epoch) from error

    def _end_epoch(self, epoch: int, meter: Meter) -> None:
        start, before = self._epoch_start
        speed = (self.steps - before) * self.plan.train.batch_size / max(time.monotonic() - start, 1e-9)
        self.engine.detector.end_epoch()
        found = self.validate()
        rates = self.engine.schedule.rates()
        losses = self.watch.means()
        row: dict[str, Any] = {"epoch": epoch, "step": self.steps, "lr": rates[0], "loss": losses.pop("loss")}
        if len(rates) > 1:
            row["adversary_lr"] = rates[-1]
        row |= losses
        row |= {"val_acc": found.accuracy, "val_auc": found.auc}
        self.history.append(row)
        self._note_pace(epoch, speed)
        self.watch.reset()
        if self.best is None or found > Validation(self.best["accuracy"], self.best["auc"]):
            self.best = {"epoch": epoch, "accuracy": found.accuracy, "auc": found.auc}
            if self.main:
                save_weights(self.folder / WEIGHTS, self.engine.detector)
                if self.engine.method.adversary is not None:
                    save_weights(self.folder / GENERATOR, self.engine.method.adversary)
        if self.main:
            write_log(self.folder / "log.csv", self.history)  # first: a run of its last checkpoint is finished
        self._save()
        meter.say(
            f"{self.name}: epoch {epoch + 1}/{self.plan.train.epochs}, loss {row['loss']:.4f}, validation accuracy "
            f"{100 * found.accuracy:.2f} %, AUC {100 * found.auc:.2f} %, {speed:.0f} images/s"
        )

    def _note_pace(self, epoch: int, speed: float) -> None:
        """Write down when the epoch ended and how fast it was, apart from the result."""
        self.pace.append(
            {
                "epoch": epoch,
                "seconds": round(self.seconds + time.monotonic() - self._since, 1),
                "images_per_s": round(speed, 1),
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "threads": torch.get_num_threads(),
            }
        )
        if self.main and self.times is not None:
            write_log(self.times, self.pace)

    def validate(self) -> Validation:
        """Accuracy and AUC on the run's own condition, over all ranks."""
        scores, labels, _ = fake_probabilities(self.engine.detector, self.validation, self.fabric.autocast)
        if self.fabric.world_size > 1:
            gathered: list[Any] = [None] * self.fabric.world_size
            torch.distributed.all_gather_object(gathered, (scores, labels))
            scores, labels = (torch.cat([part[i] for part in gathered]) for i in (0, 1))
        lost = int((~scores.isfinite()).sum())
        if lost and self.main:
            logger.warning(
                "%s: validation scores must be finite; %d of %d are not and count as wrong. Lower "
                "train.learning_rate, or set train.precision to 32-true, if later epochs do not mend it",
                self.name, lost, len(scores),
            )  # fmt: skip
        return judge(scores.numpy(), labels.numpy())

    def _due(self) -> bool:
        step, moment = self._saved
        if self.device.checkpoint_steps and self.steps - step >= self.device.checkpoint_steps:
            return True
        if self.fabric.world_size > 1 and self.steps % _LOOK:  # agreeing costs a message
            return False
        due = time.monotonic() - moment >= 60 * self.device.checkpoint_minutes
        return bool(self.fabric.broadcast(due)) if self.fabric.world_size > 1 else due

    def _save(self) -> None:
        """Write a checkpoint; never one that follows a loss that is not finite."""
        self._look(self.batches.epoch)
        self._saved = (self.steps, time.monotonic())
        if self.main:
            state = {
                "engine": self.engine.state_dict(),
                "loader": self.batches.state_dict(),
                "watch": self.watch.state_dict(),
                "history": self.history,
                "pace": self.pace,
                "best": self.best,
                "steps": self.steps,
                "seconds": self.seconds + time.monotonic() - self._since,
            }
            save_checkpoint(self.folder / CHECKPOINT, state, self.params)

    def _restore(self) -> None:
        state = load_checkpoint(self.folder / CHECKPOINT, self.params)
        try:
            self.engine.load_state_dict(state["engine"])
            self.batches.load_state_dict(state["loader"])
            self.watch.load_state_dict(state["watch"])
            self.history, self.pace, self.best = state["history"], state["pace"], state["best"]
            self.steps, self.seconds = state["steps"], state["seconds"]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"checkpoint must hold the whole state of a run; got {self.folder / CHECKPOINT}, in which "
                f"{error} is amiss. Delete it to start this run anew."
            ) from error
        logger.info("%s: continues at epoch %d, step %d", self.name, self.batches.epoch + 1, self.batches.step + 1)

    def _not_finite(self, found: str, epoch: int) -> FloatingPointError:
        saved = self.folder / CHECKPOINT
        left = f"The last good checkpoint is {saved}." if saved.exists() else "There is no checkpoint yet."
        return FloatingPointError(
            f"losses and what they are made of must be finite; got {found}, in epoch {epoch + 1} of {self.name}. "
            f"{left} Lower train.learning_rate, or set train.precision to 32-true."
        )

    def _finish(self) -> None:
        """Write run.json, the mark of a whole run, and drop the checkpoint."""
        assert self.best is not None
        weights = [path for name in (WEIGHTS, GENERATOR) if (path := self.folder / name).exists()]
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
                "epochs": len(self.history),
                "steps": self.steps,
                "inputs": self.inputs,
                "files": {path.name: sha256(path) for path in weights},
            },
        )
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
