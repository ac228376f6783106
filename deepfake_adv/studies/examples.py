"""Pictures of adversarial examples: Fig. 1, Fig. 4 and learned blur maps."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from deepfake_adv.attacks.ascent import Attack, ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.data.batch import Batch
from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.execution.pool import remaining
from deepfake_adv.files import file_fingerprint, read_json_object, write_json
from deepfake_adv.log import progress
from deepfake_adv.methods.generative import GenerativeBlur
from deepfake_adv.methods.registry import build_method
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.params.studies import Examples
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.studies.images import condition_pictures, condition_rows
from deepfake_adv.studies.pictures import as_images
from deepfake_adv.studies.runs import load_runs
from deepfake_adv.training.checkpoint import GENERATOR, load_weights

logger = logging.getLogger(__name__)

_NAME: Final = "examples"


def draw_examples(wanted: Examples, runs: Path, manifest: Path, output: Path, *, work: Path = Path("work")) -> None:
    """Write the pictures of Figs. 1 and 4 and, if `generator_run` has generators, of its learned maps.

    Without `run` there are no figures 1 and 4, without `generator_run` no maps.

    After a kill the same call continues after the last finished figure.

    Args:
        wanted: Section `examples` of params.yaml.
        runs: Folder of <run>/<condition>/seed<k>.
        manifest: Of the faces: <root>/manifests/<tier>/<split>.parquet.
        output: Output folder.
        work: Folder of scratch folders.

    Raises:
        FileNotFoundError: If the manifest or the generators' weights are missing.
        ValueError: If a run is not there, the condition has no faces, or a window is larger than they are.
    """
    folders = {name: first_seed(runs / name / wanted.condition) for name in (wanted.run, wanted.generator_run) if name}
    if not folders:
        write_json(output / f"{_NAME}.json", {"run": "", "condition": wanted.condition, "videos": []})
        return
    trained = load_runs({wanted.run: folders[wanted.run]}, key="examples.run")[wanted.run] if wanted.run else None
    generators, generated_size = load_generators(folders[wanted.generator_run]) if wanted.generator_run else (None, 0)
    attacks = {label: build_attack(**entry.model_dump()) for label, entry in wanted.attacks.items()}
    blurs = [entry.model_dump() for entry in wanted.attacks.values() if entry.name.startswith("blur")]
    kernels = kernel_attacks(wanted.kernel_sizes, next(iter(blurs), {"name": "blur"}))
    if trained:
        for attack in (*attacks.values(), *kernels.values()):
            attack.check_size(trained.image_size, trained.image_size)
    table = read_manifest(manifest)
    rows = condition_rows(table, wanted.condition, 1, key="examples.condition")
    rows = np.concatenate([rows[table.labels[rows] == label][: wanted.count] for label in (REAL_LABEL, FAKE_LABEL)])
    labels = torch.from_numpy(table.labels[rows])

    def faces(size: int) -> Tensor:
        pictures = condition_pictures(table, rows, manifest.parents[2], size)
        return as_images(pictures.decode(np.arange(len(rows))), torch.device("cpu"))

    figures: dict[str, tuple[str, Callable[[], dict[str, Tensor]]]] = {}
    if trained:
        detector, images = trained.detector, faces(trained.image_size)
        figures["figure1"] = (wanted.run, lambda: attacked_rows(detector, images, labels, attacks))
        figures["figure4"] = (wanted.run, lambda: attacked_rows(detector, images, labels, kernels))
    if generators is not None:
        batch = Batch(faces(generated_size), labels, None, None, torch.from_numpy(rows))
        figures["maps"] = (wanted.generator_run, lambda: map_rows(generators, batch))
    weights = [path for folder in folders.values() for path in sorted(folder.glob("*.safetensors"))]
    key = {
        "params": wanted.model_dump(),
        "manifest": file_fingerprint(manifest),
        "weights": [(path.name, file_fingerprint(path)) for path in weights],
        "sizes": [trained.image_size if trained else 0, generated_size],
    }
    scratch = Scratch("examples", key, code=code_digest("examples"), root=work)
    titles = [str(video) for video in table.strings("video")[rows]]
    left = remaining(list(figures), lambda name: (scratch.path / f"{name}.json").exists(), desc=_NAME, unit="figures")
    for name in progress(left, total=len(left), desc=_NAME, unit="figures"):
        run, draw = figures[name]
        write_grid(scratch.path, name, draw(), titles, source=f"{run}, trained on {wanted.condition}")
    write_json(scratch.path / "examples.json", {"run": wanted.run, "condition": wanted.condition, "videos": titles})
    scratch.publish(output)


def first_seed(folder: Path) -> Path:
    """A run's detector of one condition, that of its first seed."""
    return min(folder.glob("seed*"), key=lambda path: int(path.name.removeprefix("seed")), default=folder / "seed0")


def kernel_attacks(kernel_sizes: Sequence[int], blur: Mapping[str, Any]) -> dict[str, Attack]:
    """Fig. 4: one adversarial blur with windows of several widths, by its row's title."""
    return {f"k = {size}": build_attack(**{**blur, "kernel_size": size}) for size in kernel_sizes}


def attacked_rows(
    detector: nn.Module, images: Tensor, labels: Tensor, attacks: Mapping[str, Attack], *, seed: int = 0
) -> dict[str, Tensor]:
    """Figs. 1 and 4: the images and each attack's version of them, by the attack's label.

    Args:
        detector: Attacked.
        images: ``(N, 3, H, W)`` in [0, 1].
        labels: ``(N,)``.
        attacks: By label.
        seed: Of random starts.
    """
    rows = {"original": images}
    for label, attack in attacks.items():
        rng = torch.Generator().manual_seed(seed)
        rows[label] = ascend(attack, detector, images, labels, rng=rng).images
    return rows


def load_generators(folder: Path) -> tuple[GenerativeBlur | None, int]:
    """A generative method with the generators that a run left, in eval mode; None where its method has none.

    Args:
        folder: <run>/<condition>/seed<k>.

    Returns:
        The method, and the side of the images that the run saw, pixels.

    Raises:
        FileNotFoundError: If the run or its weights are missing.
        ValueError: If its record is damaged.
    """
    record_path = folder / "run.json"
    if not record_path.exists():
        raise FileNotFoundError(
            f"examples.generator_run must name a finished run; found no run.json in {folder}. Run `dvc repro`."
        )
    record = read_json_object(record_path, {"params": dict, "image_size": int, "files": dict})
    entry = record["params"].get("method")
    if not isinstance(entry, dict) or "name" not in entry:
        raise ValueError(f"{record_path} must name its method at params.method; got {entry!r}. Train the run again.")
    method = build_method(**entry)
    if not isinstance(method, GenerativeBlur):
        logger.info("no learned maps: %s has no generators; examples.generator_run may name another", folder)
        return None, record["image_size"]
    load_weights(folder / GENERATOR, method.adversary, digest=str(record["files"].get(GENERATOR)))
    return method.eval(), record["image_size"]


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
    """Write each image as PNG, ``<name>-<row>-<column>.png``, and a JSON file with their places, written last.

    Args:
        folder: Where to write.
        name: The figure.
        rows: Row's title to images ``(N, 3, H, W)`` or maps ``(N, 1, H, W)``, in [0, 1].
        labels: Title of each column.
        facts: Other values of the figure, for the JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, images in enumerate(rows.values()):
        line = []
        for column, image in enumerate(images):
            pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
            path = folder / f"{name}-{number}-{column}.png"
            done, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))
            assert done, "OpenCV encodes any 8-bit image"
            path.write_bytes(encoded.tobytes())  # OpenCV's own writing does not report a full disk
            line.append(path.name)
        files.append(line)
    write_json(folder / f"{name}.json", {"rows": list(rows), "columns": list(labels), "files": files, **facts})
