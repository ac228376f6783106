"""Draws the picture of docs/concepts/game.md from the demo's networks and faces: ``python -m benchmarks.game_picture``.

Run it after `make repro`. Rows are a real test face and its NT forgery. Columns are the image, the map that Eq. (6)'s
step makes of it, the image blurred by that map, the map that the trained generators make, and the image blurred by it.
"""

import argparse
import io
from pathlib import Path
from typing import Final, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from deepfake_adv.attacks.ascent import ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.data.batch import Batch
from deepfake_adv.data.manifest import read_manifest
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.studies.examples import load_generators, map_rows
from deepfake_adv.studies.images import condition_pictures, condition_rows
from deepfake_adv.studies.pictures import as_images
from deepfake_adv.training.trained import load_trained

CONDITION: Final = "NT_c23"
TITLES: Final = (
    "image $x$",
    "map $\\sigma^{adv}$ by a step",
    "blurred $x^{adv}$",
    "map of generators",
    "blurred $x^{adv}$",
)
HIGHEST: Final = 3.0  # sigma, pixels, of the maps' brightest colour


class Panels(NamedTuple):
    """What is drawn: images ``(2, 3, H, W)`` in [0, 1] and maps of sigma ``(2, 1, H, W)`` in pixels."""

    images: Tensor
    stepped: Tensor
    stepped_images: Tensor
    generated: Tensor
    generated_images: Tensor


def panels(data: Path, place: int) -> Panels:
    """The pictures of the ``place``-th real test face and of the forgery of it."""
    generators, size = load_generators(data / "runs/compact_two_gen_bat" / CONDITION / "seed0")
    assert generators is not None, "two_gen_bat has generators"
    table = read_manifest(data / "manifests/all/test.parquet")
    rows = condition_rows(table, CONDITION, 1, key="condition")
    rows = np.array([rows[table.labels[rows] == label][place] for label in (REAL_LABEL, FAKE_LABEL)])
    labels = torch.from_numpy(table.labels[rows])
    images = as_images(condition_pictures(table, rows, data, size).decode(np.arange(2)), torch.device("cpu"))
    detector = load_trained(data / "runs/compact_baseline" / CONDITION / "seed0").detector
    step = ascend(build_attack("blur"), detector, images, labels)
    learned = map_rows(generators, Batch(images, labels, None, None, torch.from_numpy(rows)))
    drawn = learned["σ, 0 to 3 px"] * 3
    return Panels(images, step.variable.clamp_min(1e-3).reciprocal(), step.images, drawn, learned["blurred"])


def draw(found: Panels, path: Path) -> None:
    """Lay the panels out in two rows, with a scale for the maps."""
    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 11, "mathtext.fontset": "dejavusans"})
    figure, axes = plt.subplots(2, 5, figsize=(9, 3.7), dpi=90, layout="constrained")
    shown: AxesImage | None = None
    for row, name in enumerate(("real", "fake (NT)")):
        axes[row, 0].set_ylabel(name)
        for column, (title, part) in enumerate(zip(TITLES, found, strict=True)):
            axis: Axes = axes[row, column]
            axis.set_xticks([])
            axis.set_yticks([])
            if row == 0:
                axis.set_title(title, fontsize=11)
            pixels: NDArray[np.float32] = part[row].permute(1, 2, 0).clamp(0, HIGHEST).numpy()
            if pixels.shape[2] == 3:
                axis.imshow(pixels.clip(0, 1), interpolation="nearest")
            else:
                shown = axis.imshow(pixels[..., 0], cmap="viridis", vmin=0, vmax=HIGHEST, interpolation="nearest")
    assert shown is not None
    figure.colorbar(shown, ax=axes, shrink=0.8, label="σ, pixels")
    drawn = io.BytesIO()
    figure.savefig(drawn, metadata={"Software": None})
    plt.close(figure)
    with Image.open(drawn) as picture:  # 256 colours are a third of the bytes
        picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE).save(
            path, optimize=True
        )


def main() -> None:
    """Compute, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="what the demo's stages left")
    parser.add_argument("--place", type=int, default=4, help="number of the test face")
    parser.add_argument("--output", type=Path, default=Path("docs/images/game.png"))
    arguments = parser.parse_args()
    mpl.use("agg")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    draw(panels(arguments.data, arguments.place), arguments.output)


if __name__ == "__main__":
    main()
