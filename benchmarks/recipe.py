"""The recipe and place that the training benchmarks share: what params.yaml would hold for them."""

from deepfake_adv.params.training import Device, Train


def recipe(*, size: int, batch: int, precision: str) -> Train:
    """RAdam at the paper's weight decay, one endless epoch of batches of `batch` images of `size` pixels."""
    return Train(
        seeds=[0], image_size=size, batch_size=batch, accumulate=1, epochs=1, sampling="draws",
        steps_per_epoch=10_000, pool=64, flip=False, optimizer="radam", learning_rate=1e-3,
        adversary_learning_rate=1e-3, weight_decay=5e-4, decay_epochs=10, decay_factor=0.1, decay_weight_decay=False,
        early_stop=0, validation_frames=0, precision=precision, sync_batchnorm=True, corrupt="fail",  # type: ignore[arg-type]
    )  # fmt: skip


def place(accelerator: str, *, compiled: bool = False, cache: str = "none", workers: int = 0) -> Device:
    """One device; channels last, the default of params.yaml."""
    return Device(
        accelerator=accelerator, devices=1, nodes=1, strategy="auto", channels_last=True,  # type: ignore[arg-type]
        compile=compiled, cache=cache, workers=workers, checkpoint_minutes=60,  # type: ignore[arg-type]
        checkpoint_steps=0, dvclive=False,
    )  # fmt: skip
