"""A trained detector as an ONNX file: faces in, P(fake) out, compared with torch before the file is kept."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepfake_adv.detectors.base import Detector
from deepfake_adv.files import atomic_write
from deepfake_adv.training.checkpoint import WEIGHTS
from deepfake_adv.training.trained import Trained

BATCHES: Final = (1, 2, 5)
"""Batch sizes at which a file is compared with torch; none is the one it was traced with."""
TOLERANCE: Final = 1e-4
"""Largest difference of a score, and of a logit for each unit of its size: what the order of float32 sums may make."""
_TRACED: Final = 3
_MISSING: Final = (
    "{} must be installed to export to ONNX; it is not. Run `make setup` in a checkout, or "
    "`pip install deepfake-adv[onnx]`."
)


class ScoringHead(nn.Module):
    """A detector with its softmax.

    Args:
        detector: In eval mode.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """P(fake) ``(B,)`` and logits ``(B, 2)`` of ``images`` in [0, 1]."""
        logits = self.detector(images)
        return torch.sigmoid(logits[:, 1] - logits[:, 0]), logits


def export_onnx(trained: Trained, output: Path) -> dict[str, Any]:
    """Write an ONNX file and compare it with torch at several batch sizes.

    The input `images` is ``(B, 3, S, S)`` float32, RGB in [0, 1], cut as in training (``(B, K, 3, S, S)`` for a
    detector of clips); B is free. The outputs are `score`, P(fake) ``(B,)``, and `logits` ``(B, 2)``. The file says so
    itself, with the detector's identity and how faces are cut, under the key `deepfake_adv` of its metadata.

    Args:
        trained: The detector, on the CPU.
        output: The file.

    Returns:
        Batch sizes that were compared, and the largest difference of a score and of a logit, the latter relative where
        it is above 1.

    Raises:
        RuntimeError: If a package is missing.
        ValueError: If the detector has a part that ONNX cannot state, or its scores would differ.
        OSError: If the disk is full or cannot be written.
    """
    for name in ("onnx", "onnxscript", "onnxruntime"):
        _need(name)
    model = ScoringHead(trained.detector).eval()
    example = example_images(trained, _TRACED)
    try:
        with _silence():
            program = torch.onnx.export(
                model, (example,), input_names=["images"], output_names=["score", "logits"], dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},), verbose=False,
            )  # fmt: skip
    except Exception as error:  # torch raises many kinds
        raise ValueError(
            f"{type(trained.detector).__name__} must be made of operations that ONNX has; got "
            f"{type(error).__name__}: {_first_line(error)}. Use `--format hub`, which keeps every detector."
        ) from error
    assert program is not None
    program.model.metadata_props["deepfake_adv"] = json.dumps(description(trained), sort_keys=True)
    with atomic_write(output) as temporary, _silence():
        program.save(temporary, external_data=False)
        found = compare(model, temporary, trained)
    return found


def compare(model: nn.Module, file: Path, trained: Trained) -> dict[str, Any]:
    """The largest differences between an ONNX file and torch.

    Raises:
        ValueError: If a score differs by more than `TOLERANCE`.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    if not isinstance(given.shape[0], str):
        raise ValueError(
            f"{type(trained.detector).__name__} must take batches of any size; got one of {given.shape[0]} alone, as "
            "its code fixed it in the trace. Use `--format hub`, or take sizes from `shape`, not `len`, in that code."
        )
    worst = {"score": 0.0, "logits": 0.0}
    for size in BATCHES:
        images = example_images(trained, size)
        with torch.inference_mode():
            expected = model(images)
        found = session.run(list(worst), {"images": images.numpy()})
        for name, wanted, got in zip(worst, expected, found, strict=True):
            worst[name] = float(np.maximum(worst[name], _difference(wanted.numpy(), got)))
    largest = float(np.max(list(worst.values())))  # NaN stays
    if not largest <= TOLERANCE:
        raise ValueError(
            f"an ONNX file must score as torch does, within {TOLERANCE}; got a difference of {largest:.2g} for "
            f"{type(trained.detector).__name__}. Use `--format hub`, and report this."
        )
    return {"batches": list(BATCHES), **worst}


def _difference(wanted: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    if wanted.shape != got.shape:
        return float("nan")
    return float((np.abs(wanted - got) / np.maximum(np.abs(wanted), 1)).max())


def example_images(trained: Trained, count: int) -> Tensor:
    """Images (or clips) of noise, coarse in one half and fine in the other: all frequencies of faces are in them."""
    rng = torch.Generator().manual_seed(count)
    side, clip = trained.image_size, trained.detector.clip_length
    fine = torch.rand((count * clip, 3, side, side), generator=rng)
    coarse = nn.functional.interpolate(fine[:, :, ::8, ::8], (side, side), mode="bilinear")
    images = torch.where(torch.arange(side) < side // 2, coarse, fine).mul(255).round().div(255)
    return images.unflatten(0, (count, clip)) if clip > 1 else images


def description(trained: Trained) -> Mapping[str, Any]:
    """What a program that runs the file must know; plain values."""
    clip = [trained.detector.clip_length] if trained.detector.clip_length > 1 else []
    return {
        "run": trained.record.get("run", ""),
        "condition": trained.condition,
        "seed": trained.seed,
        "weights_sha256": trained.record.get("files", {}).get(WEIGHTS, ""),
        "input": {
            "name": "images",
            "shape": ["B", *clip, 3, trained.image_size, trained.image_size],
            "content": "face crops, RGB, float32 in [0, 1]; normalised within the model",
            "faces": trained.record.get("faces", {}),
        },
        "outputs": {"score": "P(fake), (B,)", "logits": "(B, 2): real, fake"},
    }


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's own words, which are of no use to a user, from the terminal."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir", "torch.onnx")]
    levels = [each.level for each in loggers]
    try:
        for each in loggers:
            each.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _need(name: str) -> None:
    try:
        __import__(name)
    except ImportError as error:
        raise RuntimeError(_MISSING.format(name)) from error


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
