"""The four forgeries by name."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from deepfake_adv.corpus.forge.blending import Forged
from deepfake_adv.corpus.forge.deepfakes import deepfakes
from deepfake_adv.corpus.forge.face2face import face_to_face
from deepfake_adv.corpus.forge.faceswap import face_swap
from deepfake_adv.corpus.forge.neural_textures import neural_textures
from deepfake_adv.names import Forgery

# Each takes (target frames, target landmarks, donor frames, donor landmarks).
FORGERIES: Final = MappingProxyType[Forgery, Callable[..., Forged]](
    {
        Forgery.DF: deepfakes,
        Forgery.F2F: face_to_face,
        Forgery.FS: face_swap,
        Forgery.NT: neural_textures,
    }
)
