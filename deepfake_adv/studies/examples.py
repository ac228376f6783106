"""Pictures of what the adversaries do: Fig. 1, Fig. 4 and the learned maps."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from deepfake_adv.attacks.engine import ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.data.batch import Batch
from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.files import read_json, write_json
from deepfake_adv.methods.generative import GenerativeBlur
from deepfake_adv.methods.registry import build_method
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.studies.images import condition_rows, fetch_images
from deepfake_adv.training.checkpoint import load_weights
from deepfake_adv.training.trained import load_trained

logger = logging.getLogger(__name__)


def draw_examples(
    runs: Path,
    manifest: Path,
    output: Path,
    *,
    run: str,
    generator_run: str,
    condition: str,
    count: int,
    kernel_sizes: Sequence[int],
    attacks: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write the pictures of Figs. 1 and 4 and, where a run has generators, of its learned maps.

    Args:
        runs: Folder of <run>/<condition>/seed<k>.
        manifest: Of the faces: <root>/manifests/<tier>/<split>.parquet.
        output: Where to write.
        run: Whose detector is attacked.
        generator_run: Whose generators draw the maps.
        condition: Of training, and of the faces.
        count: Real faces, and as many fakes, each of another video.
        kernel_sizes: Of Fig. 4, pixels.
        attacks: Of Fig. 1: a label to the arguments of `build_attack`; Fig. 4 takes the first blur among them.
    """
    trained = load_trained(first_seed(runs / run / condition))
    table = read_manifest(manifest)
    rows = condition_rows(table, condition, 1)
    rows = np.concatenate([rows[table.labels[rows] == label][:count] for label in (REAL_LABEL, FAKE_LABEL)])
    images = fetch_images(table, rows, manifest.parents[2], trained.image_size).float() / 255
    labels = torch.from_numpy(table.labels[rows])
    titles = [str(video) for video in table.strings("video")[rows]]
    blur = next((entry for entry in attacks.values() if entry["name"].startswith("blur")), {})
    figures = {
        "figure1": adversarial_rows(trained.detector, images, labels, attacks),
        "figure4": kernel_rows(trained.detector, images, labels, kernel_sizes, blur),
    }
    for name, drawn in figures.items():
        write_grid(output, name, drawn, titles, source=f"{run}, trained on {condition}")
    generators = load_generators(first_seed(runs / generator_run / condition))
    if generators is not None:
        maps = map_rows(generators, Batch(images, labels, None, None, torch.from_numpy(rows)))
        write_grid(output, "maps", maps, titles, source=f"{generator_run}, trained on {condition}")
    write_json(output / "examples.json", {"run": run, "condition": condition, "videos": titles})


def first_seed(folder: Path) -> Path:
    """A run's detector of one condition, that of its first seed."""
    return min(folder.glob("seed*"), key=lambda path: int(path.name.removeprefix("seed")), default=folder / "seed0")


def adversarial_rows(
    detector: nn.Module, images: Tensor, labels: Tensor, attacks: Mapping[str, Mapping[str, Any]], *, seed: int = 0
) -> dict[str, Tensor]:
    """Fig. 1: the images and each attack's version of them, by the attack's label.

    Args:
        detector: Attacked.
        images: ``(N, 3, H, W)`` in [0, 1].
        labels: ``(N,)``.
        attacks: A label to the arguments of `build_attack`.
        seed: Of random starts.
    """
    rows = {"original": images}
    for label, arguments in attacks.items():
        generator = torch.Generator().manual_seed(seed)
        rows[label] = ascend(build_attack(**arguments), detector, images, labels, generator=generator).images
    return rows


def kernel_rows(
    detector: nn.Module, images: Tensor, labels: Tensor, kernel_sizes: Sequence[int], blur: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Fig. 4: the images blurred adversarially with windows of several widths; `blur` as `build_attack` takes it."""
    rows = {"original": images}
    for size in kernel_sizes:
        attack = build_attack(**{**blur, "kernel_size": size}) if blur else build_attack("blur", kernel_size=size)
        rows[f"k = {size}"] = ascend(attack, detector, images, labels).images
    return rows


def load_generators(folder: Path) -> GenerativeBlur | None:
    """A generative method with the generators that a run left, in eval mode; None where its method has none.

    Args:
        folder: <run>/<condition>/seed<k>.

    Raises:
        FileNotFoundError: If its weights are missing.
    """
    method = build_method(**read_json(folder / "run.json")["params"]["method"])
    if not isinstance(method, GenerativeBlur):
        logger.info("no learned maps: %s has no generators; examples.generator_run may name another", folder)
        return None
    load_weights(folder / "generator.safetensors", method.adversary)
    return method.eval()


@torch.no_grad()
def map_rows(method: GenerativeBlur, batch: Batch) -> dict[str, Tensor]:
    """The images, the learned sigma (pixels, black 0 to white 3) and the images blurred by it."""
    inverse_sigma = method.inverse_sigma(batch)
    sigma = inverse_sigma.clamp_min(1e-3).reciprocal()
    return {
        "original": batch.images,
        "σ, 0 to 3 px": (sigma / 3).clamp(0, 1),
        "blurred": method.blur(batch.images, inverse_sigma),
    }


def write_grid(folder: Path, name: str, rows: Mapping[str, Tensor], labels: Sequence[str], **facts: Any) -> None:
    """Write each image as PNG, ``<name>-<row>-<column>.png``, and a JSON that says which is where.

    Args:
        folder: Where to write.
        name: The figure.
        rows: Row's title to images ``(N, 3, H, W)`` or maps ``(N, 1, H, W)``, in [0, 1].
        labels: Title of each column.
        facts: What else the figure says; goes into the JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, images in enumerate(rows.values()):
        line = []
        for column, image in enumerate(images):
            pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
            path = folder / f"{name}-{number}-{column}.png"
            cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1]))
            line.append(path.name)
        files.append(line)
    write_json(folder / f"{name}.json", {"rows": list(rows), "columns": list(labels), "files": files, **facts})
