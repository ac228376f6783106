"""F2F: the target's own face, re-rendered from an accumulated texture under the donor's expression."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.forge.blending import Forged, feather, paste
from deepfake_adv.corpus.forge.expression import best_frames, reenact
from deepfake_adv.corpus.forge.geometry import (
    LEFT_EYE,
    MOUTH,
    RIGHT_EYE,
    Frame,
    Layer,
    Points,
    hull,
    mesh_warp,
    triangulate,
    upright,
    with_forehead,
)

_VERTICES = np.r_[1:16, 17:75]


def face_to_face(
    target: Sequence[Frame],
    target_points: Points,
    donor: Sequence[Frame],
    donor_points: Points,
    *,
    gain: float = 1.0,
    memory: float = 0.65,
) -> Forged:
    """Reenact the target's face; of the donor only the landmarks are used.

    Args:
        target: RGB frames of the face that is reenacted.
        target_points: ``(N, 68, 2)`` landmarks of the target, pixels.
        donor: Unused, as all forgeries share one signature.
        donor_points: Landmarks of the driving clip.
        gain: Share of the donor's expression that is transferred.
        memory: Share of the accumulated texture that is kept per frame: the higher, the smoother the skin.
    """
    goal = reenact(target_points, donor_points, gain=gain, whole_face=True)
    atlas = _atlas(target_points)
    shape = (int(atlas[:, 1].max()) + 4, int(atlas[:, 0].max()) + 4)
    triangles = triangulate(atlas)
    textures = [
        _unwrap(frame, points, atlas, triangles, shape) for frame, points in zip(target, target_points, strict=True)
    ]
    mouth = _region(atlas, MOUTH, shape, 0.15)
    eyes = np.maximum(_region(atlas, LEFT_EYE, shape, 0.5), _region(atlas, RIGHT_EYE, shape, 0.5))
    skin = textures[0].astype(np.float32)
    # Mouth and lids come from the frames that agree with the goal: skin alone can be averaged.
    talking = best_frames(target_points, goal)
    looking = best_frames(target_points, goal, mouth=False, eyes=True)
    frames, masks = [], []
    for index in range(len(target)):
        skin += (textures[index] - skin) * np.float32(1 - memory)
        texture = skin + (textures[looking[index]] - skin) * eyes
        texture += (textures[talking[index]] - texture) * mouth
        frame = target[index]
        warp = mesh_warp(with_forehead(goal[index], 0.28)[_VERTICES], atlas, triangles, frame.shape[:2])
        mask = feather(warp.inside, 0.11 * warp.inside.shape[1])
        forged, full = paste(frame, warp.fetch(texture), mask, warp.rows, warp.columns)
        frames.append(forged)
        masks.append(full)
    return Forged(frames, masks)


def _atlas(track: Points) -> Points:
    """The mean shape in texture pixels at the clip's own scale, lips apart to make room for teeth."""
    eye_distance = np.linalg.norm(track[0][RIGHT_EYE].mean(0) - track[0][LEFT_EYE].mean(0))
    shape = upright(track).mean(0)
    shape[[61, 62, 63, 50, 51, 52], 1] -= 0.045
    shape[[65, 66, 67, 56, 57, 58], 1] += 0.045
    mesh = with_forehead(shape * eye_distance, 0.28)[_VERTICES]
    result: Points = mesh - mesh.min(0) + 3
    return result


def _unwrap(frame: Frame, points: Points, atlas: Points, triangles: NDArray[np.intp], shape: tuple[int, int]) -> Frame:
    warp = mesh_warp(atlas, with_forehead(points, 0.28)[_VERTICES], triangles, shape)
    texture = np.zeros((*shape, 3), np.uint8)
    texture[warp.rows, warp.columns] = warp.fetch(frame)
    return texture


def _region(atlas: Points, part: NDArray[np.intp], shape: tuple[int, int], grow: float) -> Layer:
    vertices = atlas[np.flatnonzero(np.isin(_VERTICES, part))]
    soft = cv2.GaussianBlur(hull(vertices, shape, grow=grow), (0, 0), 2.0)
    return soft.astype(np.float32)[..., None] / np.float32(255)
