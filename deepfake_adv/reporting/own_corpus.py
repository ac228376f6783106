"""Which datasets this project made itself, and how tables and report call them."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from deepfake_adv.reporting.measured import IDENTITIES

CORPUS_ROOT: Final = "data/corpus"
_KINDS: Final = {
    "procedural": "a synthetic corpus of rendered faces",
    "clips": "a self-made corpus, forged from a folder of clips",
}


def own_corpora(source: str, roots: Mapping[str, str]) -> dict[str, str]:
    """Dataset name -> what it is, for the datasets that lie where the `corpus` stage writes.

    The images of `IDENTITIES`, which the attacked classifiers tell apart, are cut from the same faces.

    Args:
        source: params' corpus.source.
        roots: Dataset name -> its root.
    """
    made = _KINDS.get(source)
    names = [name for name, root in roots.items() if PurePosixPath(root).is_relative_to(CORPUS_ROOT)]
    return dict.fromkeys([*names, IDENTITIES], made) if made and names else {}
