"""One training step of the adversarial game, the same for every method; paper Eqs. (3) and (7)."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.methods.base import Method
from deepfake_adv.params.training import Train
from deepfake_adv.training.optim import StepDecay, average, average_gradients, build_optimizer, running_statistics


class TrainingStep:
    """Detector and adversary with their optimisers, on one device or many.

    The modules are not wrapped in DDP: autocast sets the precision, and `average_gradients` averages gradients over
    ranks, so that an attack's passes through the frozen detector need no communication.

    Args:
        fabric: Launched; gives device, ranks and precision.
        detector: On any device, initialised.
        method: On any device, initialised.
        train: Section `train` of params.yaml.
        seed: Seed of all random draws; those of a step depend on the seed, the step's number and the rank.
        channels_last: Use the channels_last memory format for detector and method.
        compiled: Compile the detector with torch.compile.
    """

    def __init__(
        self,
        fabric: Fabric,
        detector: Detector,
        method: Method,
        train: Train,
        *,
        seed: int,
        channels_last: bool = False,
        compiled: bool = False,
    ) -> None:
        self.fabric, self.train, self.seed = fabric, train, seed
        method.attach(detector)
        if train.sync_batchnorm and fabric.world_size > 1 and fabric.device.type == "cuda":
            detector = synchronise(detector)
            method = synchronise(method) if method.in_step else method
        self.detector: Detector = fabric.to_device(detector)  # type: ignore[assignment]
        self.method: Method = fabric.to_device(method)  # type: ignore[assignment]
        if channels_last:
            for player in (self.detector, self.method):
                player.to(memory_format=torch.channels_last)
        rates = {"weight_decay": train.weight_decay, "learning_rate": train.learning_rate}
        self._detector_side = [*self.detector.parameters(), *_parameters(self.method.detector_side)]
        self._adversary_side = _parameters(self.method.adversary)
        self._statistics = running_statistics(self.detector, self.method)
        self.optimizers: list[Optimizer] = [build_optimizer(train.optimizer, self._detector_side, **rates)]
        if self._adversary_side:
            rates["learning_rate"] = self.method.adversary_learning_rate or train.adversary_learning_rate
            theirs = build_optimizer(train.optimizer, self._adversary_side, **rates)
            if self.method.joint:  # one optimiser for both, so that the loss scale is updated once per step
                self.optimizers[0].add_param_group(theirs.param_groups[0])
            else:
                self.optimizers.append(theirs)
        self._steppers: list[Any] = [fabric.setup_optimizers(optimizer) for optimizer in self.optimizers]
        self.schedule = StepDecay(
            self.optimizers, every=train.decay_epochs, factor=train.decay_factor, weight_decay=train.decay_weight_decay
        )
        if compiled:
            self.detector.compile()  # what attacks and scoring call
            self.detector.training_terms = torch.compile(self.detector.training_terms)  # type: ignore[method-assign]

    def run(self, batch: Batch, number: int) -> dict[str, Tensor]:
        """Take the adversary's steps, then the detector's step.

        Args:
            batch: This rank's share of the batch, reals first.
            number: Number of steps before this one.

        Returns:
            Losses by name, detached scalars, means over all ranks.

        Raises:
            RuntimeError: If the device has too little memory.
        """
        try:
            return self._run(batch, number)
        except torch.OutOfMemoryError as error:
            device = self.fabric.device
            peak, total = torch.cuda.max_memory_allocated(device) / 2**30, torch.cuda.mem_get_info(device)[1] / 2**30
            raise RuntimeError(
                f"batch must fit the GPU's memory; got {len(batch)} images of {batch.images.shape[-1]} px in "
                f"{self.train.accumulate} parts, which took {peak:.1f} of {total:.1f} GiB. Raise train.accumulate, "
                "lower train.batch_size or train.image_size, or set train.precision to bf16-mixed."
            ) from error

    def _run(self, batch: Batch, number: int) -> dict[str, Tensor]:
        rng = self._seed(number)
        parts = split(batch, self.train.accumulate)
        self.detector.train()
        self.method.train()
        losses: dict[str, Tensor] = {}
        for _ in range(self.method.adversary_steps):
            self._clear()
            for part in parts:
                with self.fabric.autocast():
                    loss = self.method.adversary_loss(self.detector, part, rng) / len(parts)
                self.fabric.backward(loss)
                _accumulate(losses, {"adversary": loss / self.method.adversary_steps})
            average_gradients(self._adversary_side, self.fabric.world_size)
            self._steppers[-1].step()
        self._clear()
        for part in parts:
            with self.fabric.autocast():
                found = self.method.detector_loss(self.detector, part, rng)
            self.fabric.backward(found.total / len(parts))
            named = {"loss": found.total, "clean": found.clean, "adversarial": found.adversarial, **found.parts}
            named.pop("classification", None)  # logged as clean and adversarial
            _accumulate(losses, {name: loss / len(parts) for name, loss in named.items() if loss is not None})
        mine = [*self._detector_side, *self._adversary_side] if self.method.joint else self._detector_side
        average_gradients(mine, self.fabric.world_size)
        self._steppers[0].step()
        # every rank must evaluate the same networks and stop at the same step
        average([*self._statistics, *losses.values()], self.fabric.world_size)
        return losses

    @torch.no_grad()
    def refresh_statistics(self, batches: Iterable[Batch], number: int) -> None:
        """Measure the statistics of the detector's batch normalisation for its present weights.

        They become the mean over the batches, which pass as in training, so that altered images count as there. No
        weight changes; the adversary and other statistics of the detector may.

        Args:
            batches: This rank's shares of some batches, at least one.
            number: Steps so far; draws are those of the steps that would follow.
        """
        layers = [layer for layer in self.detector.modules() if isinstance(layer, _BatchNorm)]
        momenta = [layer.momentum for layer in layers]
        self.detector.train()
        self.method.train()
        for layer in layers:
            layer.momentum = None  # the mean over all batches from now on; an attack before the first sees the old ones
            if layer.num_batches_tracked is not None:
                layer.num_batches_tracked.zero_()
        for offset, batch in enumerate(batches):
            rng = self._seed(number + offset)
            for part in split(batch, self.train.accumulate):
                with self.fabric.autocast():
                    self.method.detector_loss(self.detector, part, rng)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        average(running_statistics(self.detector), self.fabric.world_size)

    def _clear(self) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)

    def _seed(self, number: int) -> torch.Generator:
        """The rng of a step, seeded by the step's number, so that a resumed run needs no saved random state."""
        seed = derived_seed(self.seed, self.fabric.global_rank, number)
        torch.manual_seed(seed)  # dropout and others draw from the global state
        return torch.Generator(self.fabric.device).manual_seed(seed)

    def state_dict(self) -> dict[str, Any]:
        """State of detector and method, their optimisers and the loss scale."""
        return {
            "detector": self.detector.state_dict(),
            "method": self.method.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "precision": self.fabric.strategy.precision.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.detector.load_state_dict(state["detector"])
        self.method.load_state_dict(state["method"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.fabric.strategy.precision.load_state_dict(state["precision"])


def derived_seed(*numbers: int) -> int:
    """A 63-bit seed from several numbers; different numbers give independent seeds."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def split(batch: Batch, parts: int) -> list[Batch]:
    """Split a batch into parts with the same share of reals and fakes."""
    if parts == 1:
        return [batch]
    names = ("images", "labels", "masks", "landmarks", "rows")
    held = {name: getattr(batch, name) for name in names if getattr(batch, name) is not None}
    return [replace(batch, **{name: value[part::parts] for name, value in held.items()}) for part in range(parts)]


def synchronise(module: nn.Module) -> Any:
    """Replace batch normalisation by its synchronised form; timm's own layers need timm's converter."""
    layers = sys.modules.get("timm.layers")
    if layers is not None:
        return layers.convert_sync_batchnorm(module)
    return nn.SyncBatchNorm.convert_sync_batchnorm(module)


def _parameters(module: nn.Module | None) -> list[nn.Parameter]:
    return [] if module is None else list(module.parameters())


def _accumulate(sums: dict[str, Tensor], losses: Mapping[str, Tensor]) -> None:
    for name, loss in losses.items():
        before = sums.get(name)
        sums[name] = loss.detach() if before is None else before + loss.detach()


def check_shares(batch_size: int, world: int, accumulate: int) -> None:
    """Check that ranks and parts can share a batch evenly, reals and fakes separately.

    Raises:
        ValueError: If they cannot.
    """
    unit = 2 * world * accumulate
    if batch_size % unit:
        raise ValueError(
            f"train.batch_size must be a multiple of {unit} (2 labels x {world} processes x {accumulate} parts); "
            f"got {batch_size}. Set it to {max(batch_size // unit, 1) * unit}, or change device.devices, "
            "device.nodes or train.accumulate."
        )
