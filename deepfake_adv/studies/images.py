"""Images of a study: crops of a condition, faces by identity, or a folder of images per class."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from deepfake_adv.crops.codec import resize
from deepfake_adv.data.manifest import CropTable, read_manifest, select, thin, verify_files
from deepfake_adv.files import natural_key
from deepfake_adv.names import REAL_LABEL, Condition, Quality, Split
from deepfake_adv.parquet import Ints
from deepfake_adv.studies.pictures import Pictures, Pixels, crop_pictures
from deepfake_adv.video.picture import is_picture, read_rgb


def condition_rows(table: CropTable, condition: str, frames: int, *, key: str) -> Ints:
    """Rows of a condition, `frames` evenly spaced ones of each video (0: all).

    Args:
        table: The manifest.
        condition: Such as NT_c23.
        frames: Per video.
        key: Of params.yaml that names the condition, for the message.

    Raises:
        ValueError: If either class has no row.
    """
    try:
        return thin(table, select(table, Condition.parse(condition)), frames)
    except ValueError as error:
        raise ValueError(f"{key} must be a condition that the test images have: {error}") from error


def condition_pictures(table: CropTable, rows: Ints, root: Path, image_size: int) -> Pictures:
    """Crops of some rows of a manifest, real or fake.

    Raises:
        ValueError: If a crop file is missing, or is not the one that the manifest was written from.
    """
    verify_files(table, rows, root)
    return crop_pictures([(table, rows)], root, size=image_size, labels=table.labels[rows], classes=["real", "fake"])


def images_to_attack(
    manifests: Path, *, source: str, folder: str | None, count: int, image_size: int
) -> tuple[Pictures | None, Pictures]:
    """Images to train classifiers on (None if these are pretrained) and images to attack; none is decoded yet.

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
    return train, test.take(torch.linspace(0, len(test) - 1, min(count, len(test))).long().numpy())


def identities(manifests: Sequence[Path], root: Path, image_size: int) -> tuple[Pictures, Pictures]:
    """Real faces with their identity as label: the first two thirds of each video to train, the rest to test.

    The best quality that there is; frames next to the cut are left out (a tenth of the video), since
    neighbours look alike.

    Raises:
        ValueError: If there are fewer than two identities, or too few frames of each, or crop files have changed.
    """
    tables = [read_manifest(path) for path in manifests]
    reals = [table.columns.filter(pa.array(table.labels == REAL_LABEL)) for table in tables]
    present = {tier for table in reals for tier in table["quality"].unique().to_pylist()}
    best = next((tier for tier in Quality if tier in present), None)
    parts: list[tuple[CropTable, Ints]] = []
    people: list[str] = []
    position: list[float] = []
    longest = 0
    for table in tables:
        mine = np.asarray(pc.equal(table.columns["quality"], str(best)))
        real = np.flatnonzero((table.labels == REAL_LABEL) & mine)
        order = real[np.lexsort((table.frames[real], table.videos[real]))]
        _, counts = np.unique(table.videos[order], return_counts=True)
        chosen = table.columns.select(["dataset", "target"]).take(pa.array(order)).to_pydict()
        people.extend(map("/".join, zip(chosen["dataset"], chosen["target"], strict=True)))
        position.extend(np.concatenate([np.empty(0), *(np.arange(count) / count for count in counts)]))
        longest = max(longest, *counts, 0)
        parts.append((table, order))
    classes = sorted(set(people))
    if len(classes) < 2:
        raise ValueError(
            f"attack.images must hold at least two identities; got {len(classes)} in {manifests[0].parent}. "
            "Name an ImageFolder instead: attack.images.source: folder."
        )
    place = np.array(position)
    late = place >= 2 / 3 + 0.1
    if not late.any():
        raise ValueError(
            f"attack.images must hold five frames of a video, to train on some and attack others; got {longest} in "
            f"{manifests[0].parent}. Sample more frames, or name an ImageFolder: attack.images.source: folder."
        )
    for table, order in parts:
        verify_files(table, order, root)
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[name] for name in people])
    found = crop_pictures(parts, root, size=image_size, labels=labels, classes=classes)
    return found.take(np.flatnonzero(place < 2 / 3)), found.take(np.flatnonzero(late))


def image_folder(folder: Path, count: int, image_size: int) -> Pictures:
    """Images of a folder per class (sorted as text, as torchvision's ImageFolder), evenly drawn over all of them.

    Within a class they are in the order of the numbers in their names. Each is cropped to its central square and
    resized as crops are. torchvision's `ImageFolder` sorts files as text, so an even draw
    would take other images, and its transforms resize by Pillow; both would change results.

    Raises:
        FileNotFoundError: If there is no image in a sub-folder of `folder`.
        VideoError: If an image cannot be read, once it is decoded.
    """
    classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()) if folder.is_dir() else []
    files = [
        (str(path.relative_to(folder)), label)
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
    names, labels = zip(*chosen, strict=True)

    def decode(places: Ints) -> Pixels:
        pixels = np.empty((len(places), image_size, image_size, 3), np.uint8)
        for room, place in zip(pixels, places, strict=True):
            _read_square(folder / names[place], room)
        return pixels

    return Pictures(decode, image_size, np.array(labels), pa.array(names, pa.string()), classes)


def _read_square(path: Path, room: Pixels) -> None:
    """Write the central square of an image into `room`, resized to it.

    Raises:
        VideoError: If it cannot be read.
    """
    image = read_rgb(path)
    side = min(image.shape[:2])
    y, x = ((length - side) // 2 for length in image.shape[:2])
    resize(image[y : y + side, x : x + side], room)
