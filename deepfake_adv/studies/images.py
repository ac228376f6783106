"""Images for studies: crops of a manifest, or an ImageFolder."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfake_adv.data.crop_store import CropStore, resize
from deepfake_adv.data.manifest import CropTable, read_manifest, select, thin
from deepfake_adv.files import natural_key
from deepfake_adv.names import REAL_LABEL, Condition, Quality, Split
from deepfake_adv.video.picture import is_picture, read_rgb


class Labelled(NamedTuple):
    """Images ``(N, 3, H, W)`` uint8, labels ``(N,)`` int64, and the names of the classes."""

    images: Tensor
    labels: Tensor
    names: list[str]


def fetch_images(table: CropTable, rows: NDArray[np.int64], root: Path, image_size: int) -> Tensor:
    """Crops ``(N, 3, size, size)`` uint8 of some rows of a manifest."""
    crops = CropStore(table, root, image_size=image_size).fetch(rows)
    return torch.from_numpy(crops.images).permute(0, 3, 1, 2).contiguous()


def condition_rows(table: CropTable, condition: str, frames: int) -> NDArray[np.int64]:
    """Rows of a condition, `frames` evenly spaced ones of each video (0: all)."""
    return thin(table, select(table, Condition.parse(condition)), frames)


def images_to_attack(
    manifests: Path, *, source: str, folder: str | None, count: int, image_size: int
) -> tuple[Labelled | None, Labelled]:
    """Images to train classifiers on, None where these come trained, and images to attack.

    Args:
        manifests: Folder of a tier's manifests, <root>/manifests/<tier>.
        source: "folder" for an ImageFolder, else `identities` of the manifests.
        folder: The ImageFolder.
        count: Images to attack, evenly drawn; all where there are fewer.
        image_size: Side, pixels.

    Raises:
        ValueError: As `identities` does.
        FileNotFoundError: As `image_folder` does.
    """
    if source == "folder":
        return None, image_folder(Path(folder or ""), count, image_size)
    paths = [manifests / f"{split}.parquet" for split in Split]
    train, test = identities(paths, manifests.parents[1], image_size)
    chosen = torch.linspace(0, len(test.labels) - 1, min(count, len(test.labels))).long()
    return train, Labelled(test.images[chosen], test.labels[chosen], test.names)


def identities(manifests: Sequence[Path], root: Path, image_size: int) -> tuple[Labelled, Labelled]:
    """Real faces with their identity as label: the first two thirds of each video to train, the rest to test.

    The best quality that there is; frames next to the cut are left out (a tenth of the video), since
    neighbours look alike.

    Raises:
        ValueError: If there are fewer than two identities, or too few frames of each.
    """
    images: list[Tensor] = []
    names: list[str] = []
    position: list[float] = []
    tables = [read_manifest(path) for path in manifests]
    present = {tier for table in tables for tier in table.strings("quality")[table.labels == REAL_LABEL]}
    best = next((tier for tier in Quality if tier in present), None)
    for table in tables:
        real = np.flatnonzero((table.labels == REAL_LABEL) & (table.strings("quality") == best))
        order = real[np.lexsort((table.frames[real], table.videos[real]))]
        _, counts = np.unique(table.videos[order], return_counts=True)
        images.append(fetch_images(table, order, root, image_size))
        people = zip(table.strings("dataset")[order], table.strings("target")[order], strict=True)
        names.extend("/".join(person) for person in people)
        position.extend(np.concatenate([np.arange(count) / count for count in counts]))
    classes = sorted(set(names))
    if len(classes) < 2:
        raise ValueError(
            f"attack.images must hold at least two identities; got {len(classes)} in {manifests[0].parent}. "
            "Name an ImageFolder instead: attack.images.source: folder."
        )
    labels = torch.tensor([classes.index(name) for name in names])
    place = torch.tensor(position)
    pixels = torch.cat(images)
    parts = [place < 2 / 3, place >= 2 / 3 + 0.1]
    if not parts[1].any():
        raise ValueError(
            f"attack.images must hold five frames of a video, to train on some and attack others; got {max(counts)} in "
            f"{manifests[0].parent}. Sample more frames, or name an ImageFolder: attack.images.source: folder."
        )
    return tuple(Labelled(pixels[part], labels[part], classes) for part in parts)  # type: ignore[return-value]


def image_folder(folder: Path, count: int, image_size: int) -> Labelled:
    """Images of a folder per class (sorted as text, as torchvision's ImageFolder), evenly drawn over all of them.

    Within a class they are in the order of the numbers in their names.

    Each is cut to its central square and resized.

    Raises:
        FileNotFoundError: If there is no image in a sub-folder of `folder`.
        VideoError: If an image cannot be read.
    """
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    files = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).rglob("*"), key=natural_key)
        if is_picture(path) and not path.name.startswith(".")
    ]
    if not files:
        raise FileNotFoundError(
            f"attack.images.folder must hold a folder of images per class; found none in {folder}. "
            "Put the validation images there, or set attack.images.source: identities."
        )
    chosen = [files[place] for place in np.linspace(0, len(files) - 1, min(count, len(files))).astype(int)]
    pixels = np.empty((len(chosen), image_size, image_size, 3), np.uint8)
    for place, (path, _) in enumerate(chosen):
        image = read_rgb(path)
        side = min(image.shape[:2])
        y, x = ((length - side) // 2 for length in image.shape[:2])
        resize(image[y : y + side, x : x + side], pixels[place])
    labels = torch.tensor([label for _, label in chosen])
    return Labelled(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), labels, classes)
