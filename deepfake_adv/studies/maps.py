"""What trained generators do: statistics of their sigma maps, of reals and fakes apart, and by region of the face."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfake_adv.data.batch import Batch
from deepfake_adv.data.manifest import read_manifest, verify_files
from deepfake_adv.data.store import CropStore
from deepfake_adv.files import read_json_object, write_json
from deepfake_adv.methods.generative import GenerativeBlur
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.studies.examples import load_generators
from deepfake_adv.studies.face_regions import REGIONS, face_regions
from deepfake_adv.studies.images import condition_rows
from deepfake_adv.studies.pictures import as_images

_NEAR: Final = 0.99  # share of the bound from which on a sigma counts as at the bound
_FLAT: Final = 1e-6  # standard deviation, pixels, below which a map has no smoothness


def write_map_statistics(folder: Path, manifest: Path, output: Path, **options: Any) -> None:
    """Write what `map_statistics` finds as JSON; see there."""
    write_json(output, map_statistics(folder, manifest, **options))


def map_statistics(
    folder: Path, manifest: Path, *, condition: str | None = None, frames: int = 0, batch_size: int = 64
) -> dict[str, Any]:
    """Statistics of the maps that a run's generators make of a manifest's crops, in pixels of the run's images.

    Each label has its number of `images` and, of sigma: `mean`; `between`, the standard deviation of the images' means;
    `within`, the mean of the images' standard deviations; `at_bound`, the share of pixels at 99 % of the largest sigma
    that the floor allows or above (null without one); `smoothness`, the distance in a row at which the correlation of
    two pixels falls to one half (null where maps are even, or it falls later); and the mean in each of `regions`. These
    are what the method `random_maps` takes. A sigma above the window's width counts as that: it blurs no more.

    The generators are in eval mode, with running statistics; in training they use those of the batch.

    Args:
        folder: <run>/<condition>/seed<k>, as training leaves it.
        manifest: Of the crops: <root>/manifests/<tier>/<split>.parquet, of validation or test.
        condition: Of the crops, such as NT_c23; None: the run's own.
        frames: Of each video; 0: all.
        batch_size: Images per pass.

    Raises:
        FileNotFoundError: If the run, its weights or the manifest are missing.
        ValueError: If the run has no generators, its record is damaged, or the condition has no crops.
    """
    method, size = load_generators(folder)
    record = read_json_object(folder / "run.json", {"condition": str, "seed": int, "params": dict})
    if method is None:
        raise ValueError(
            f"folder must be of a run with generators; got {record['params']['method']['name']} in {folder}. Name a "
            "run of gen_bat, two_gen_bat or combined_at."
        )
    table = read_manifest(manifest)
    rows = condition_rows(table, condition or record["condition"], frames, key="condition")
    verify_files(table, rows, manifest.parents[2])
    store = CropStore(table, manifest.parents[2], image_size=size, landmarks=True)
    parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    figures: list[dict[str, NDArray[Any]]] = []
    for part in parts:
        crops = store.fetch(part)
        assert crops.landmarks is not None
        images = as_images(crops.images, torch.device("cpu"))
        labels = torch.from_numpy(table.labels[part])
        regions = np.stack([face_regions(points, size) for points in crops.landmarks])
        by_landmarks = np.asarray(np.isfinite(crops.landmarks).all((1, 2)))
        found = of_images(sigma_of(method, Batch(images, labels)), torch.from_numpy(regions), bound_of(method))
        figures.append({**found, "label": table.labels[part], "by_landmarks": by_landmarks})
    every = {name: np.concatenate([figure[name] for figure in figures]) for name in figures[0]}
    return {
        "condition": condition or record["condition"],
        "trained_on": record["condition"],
        "seed": record["seed"],
        "method": record["params"]["method"],
        "image_size": size,
        "bound": bound_of(method),
        "regions_by_landmarks": float(every["by_landmarks"].mean()),
        "real": _summary({name: values[every["label"] == REAL_LABEL] for name, values in every.items()}),
        "fake": _summary({name: values[every["label"] == FAKE_LABEL] for name, values in every.items()}),
    }


def bound_of(method: GenerativeBlur) -> float | None:
    """The largest sigma that a method's generators may give, pixels; None without a floor."""
    generator = method.params.generator
    return 1 / generator.floor if generator.floor and generator.norm is None else None


@torch.no_grad()
def sigma_of(method: GenerativeBlur, batch: Batch) -> Tensor:
    """Sigma ``(N, 1, H, W)`` of single images, pixels, the window's width at most."""
    return method.inverse_sigma(batch).clamp_min(1 / method.kernel_size).reciprocal()


def of_images(sigma: Tensor, regions: Tensor, bound: float | None) -> dict[str, NDArray[Any]]:
    """Figures of each map, by name, ``(N,)`` or, of `correlation` and `regions`, ``(N, ...)``.

    Args:
        sigma: ``(N, 1, H, W)``, pixels.
        regions: ``(N, R, H, W)`` bool.
        bound: Largest possible sigma, pixels, or None.
    """
    maps = sigma[:, 0].double()
    spread, mean = torch.std_mean(maps, (1, 2), correction=0)
    weights = regions.double()
    inside = (weights * maps[:, None]).sum((2, 3)) / weights.sum((2, 3))  # NaN of a region that has no pixel
    near = torch.full_like(mean, torch.nan) if bound is None else (maps >= _NEAR * bound).double().mean((1, 2))
    centred = (maps - mean[:, None, None]) / spread.clamp_min(_FLAT)[:, None, None]
    lags = [
        (centred[..., lag:] * centred[..., : maps.shape[2] - lag]).mean((1, 2)) for lag in range(maps.shape[2] // 2)
    ]
    correlation = torch.stack(lags, 1)
    correlation[spread < _FLAT] = torch.nan
    found = {"mean": mean, "spread": spread, "near": near, "correlation": correlation, "regions": inside}
    return {name: values.numpy() for name, values in found.items()}


def _summary(figures: dict[str, NDArray[Any]]) -> dict[str, Any]:
    regions = zip(REGIONS, figures["regions"].T, strict=True)
    return {
        "images": len(figures["mean"]),
        "mean": _mean(figures["mean"]),
        "between": float(figures["mean"].std()),
        "within": _mean(figures["spread"]),
        "at_bound": _mean(figures["near"]),
        "smoothness": _half_width(figures["correlation"]),
        "regions": {name: _mean(values) for name, values in regions},
    }


def _known(values: NDArray[Any]) -> NDArray[Any]:
    known: NDArray[Any] = values[np.isfinite(values)]
    return known


def _mean(values: NDArray[Any]) -> float | None:
    known = _known(values)
    return float(known.mean()) if len(known) else None


def _half_width(correlation: NDArray[Any]) -> float | None:
    """The lag at which the mean correlation falls to one half, between lags joined linearly."""
    uneven = correlation[np.isfinite(correlation).all(1)]
    if not len(uneven):
        return None
    curve = uneven.mean(0)
    below = np.flatnonzero(curve < 0.5)
    if not len(below):
        return None
    after = int(below[0])
    return float(after - (0.5 - curve[after]) / (curve[after - 1] - curve[after]))
