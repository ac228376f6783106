"""A linear autoencoder of one person's face, driven by another's expression, as in face-swapping networks.

It works on shape-free textures (every donor frame warped to one mean shape), so its averages keep sharp edges instead
of doubled ones. Like real autoencoders, it loses skin detail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.forge.expression import limit_opening, lip_gap
from deepfake_adv.corpus.forge.geometry import (
    Frame,
    Layer,
    Points,
    Warp,
    eye_frame,
    invert,
    mesh_warp,
    scaled_jaw,
    smooth_over_time,
    transform,
    triangulate,
    upright,
    with_forehead,
)

_VERTICES = np.r_[1:16, 17:75]
_JAW = slice(0, 15)
_INNER = slice(17, 68)
_DIRECTIONS = 8  # of shape change that drive the code
_RIDGE = 0.05


def replicate(
    target_points: Points,
    donor: Sequence[Frame],
    donor_points: Points,
    shape: tuple[int, int],
    *,
    resolution: int,
    components: int,
    identity: float,
    smoothing: float = 0.0,
) -> Iterator[tuple[Warp, Layer]]:
    """The donor's face with the target's expression and pose, for each frame of the target.

    Args:
        target_points: ``(N, 68, 2)`` landmarks of the target, pixels.
        donor: RGB frames that the autoencoder is fitted to.
        donor_points: Landmarks of the donor.
        shape: Height and width of the target's frames.
        resolution: Side of the texture the code is decoded to, pixels.
        components: Size of the code.
        identity: Share of the donor's facial proportions in the result, 0 to 1.
        smoothing: Standard deviation of the filter over time of shapes and textures, frames; 0 for none.

    Yields:
        The face's box in the frame, and its pixels over that box, ``(h, w, 3)`` float32.
    """
    donor_shape, target_shape = upright(donor_points), upright(target_points)
    atlas = _atlas(donor_shape.mean(0), resolution)
    triangles = triangulate(atlas)
    textures = np.stack(
        [
            _unwrap(frame, points, atlas, triangles, resolution)
            for frame, points in zip(donor, donor_points, strict=True)
        ]
    )
    target_shape = smooth_over_time(target_shape, smoothing)
    decoded = smooth_over_time(_reconstruct(textures, donor_shape, target_shape, components), smoothing)
    shift = identity * (donor_shape.mean(0) - target_shape.mean(0))[_INNER]
    widest = float(np.quantile(lip_gap(donor_points), 0.9)) + 0.02
    for points, own, texture in zip(target_points, target_shape, decoded, strict=True):
        posed = own.copy()
        posed[_INNER] += shift
        mesh = _mesh(limit_opening(transform(invert(eye_frame(points)), posed), widest))
        warp = mesh_warp(mesh, atlas, triangles, shape)
        yield warp, cv2.remap(texture, warp.x, warp.y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def _mesh(points: Points) -> Points:
    return scaled_jaw(with_forehead(points, 0.10)[_VERTICES], _JAW, 0.90)


def _atlas(mean_shape: Points, resolution: int) -> Points:
    """The mean shape laid out in the texture with a margin, lips slightly parted to make room for teeth."""
    shape = mean_shape.copy()
    shape[[61, 62, 63, 50, 51, 52], 1] -= 0.03
    shape[[65, 66, 67, 56, 57, 58], 1] += 0.03
    mesh = _mesh(shape)
    low, high = mesh.min(0), mesh.max(0)
    result: Points = (mesh - low) * ((resolution - 7) / (high - low).max()) + 3
    return result


def _unwrap(frame: Frame, points: Points, atlas: Points, triangles: NDArray[np.intp], resolution: int) -> Layer:
    """The face's texture; outside the mesh its edge colours are extended."""
    warp = mesh_warp(atlas, _mesh(points), triangles, (resolution, resolution))
    softened = cv2.GaussianBlur(frame, (3, 3), 0)
    texture = np.zeros((resolution, resolution, 3), np.float32)
    cover = np.zeros((resolution, resolution, 1), np.float32)
    texture[warp.rows, warp.columns] = warp.fetch(softened) * warp.inside[..., None]
    cover[warp.rows, warp.columns, 0] = warp.inside
    spread = cv2.GaussianBlur(texture, (0, 0), 4.0) / (cv2.GaussianBlur(cover, (0, 0), 4.0)[..., None] + 1e-4)
    return texture + spread * (1 - cover)


def _reconstruct(textures: Layer, donor_shape: Points, target_shape: Points, components: int) -> Layer:
    """Decode a texture for each target shape: principal components, their code regressed from the shape."""
    flat = textures.reshape(len(textures), -1).astype(np.float64)  # hides BLAS's order of sums
    mean = flat.mean(0)
    centred = flat - mean
    # The Gram matrix is small; its eigenvectors give the same components as the covariance's.
    values, vectors = np.linalg.eigh(centred @ centred.T)
    size = max(1, min(components, len(flat) - 1))
    strength = np.sqrt(np.maximum(values[::-1][:size], 1e-6))
    vectors = vectors[:, ::-1][:, :size]
    basis = (vectors / strength).T @ centred
    code = vectors * strength
    mine = (donor_shape - donor_shape.mean(0)).reshape(len(donor_shape), -1)
    theirs = (target_shape - target_shape.mean(0)).reshape(len(target_shape), -1)
    _, _, directions = np.linalg.svd(mine, full_matrices=False)
    directions = directions[:_DIRECTIONS]
    features, goals = mine @ directions.T, theirs @ directions.T
    scale = features.std(0) + 1e-6
    features, goals = features / scale, np.clip(goals / scale, -1.8, 1.8)
    ridge = _RIDGE * len(features) * np.eye(len(directions))
    weights = np.linalg.solve(features.T @ features + ridge, features.T @ code)
    decoded = mean + (goals @ weights) @ basis
    result: Layer = np.clip(decoded, 0, 255).astype(np.float32).reshape(len(target_shape), *textures.shape[1:])
    return result
