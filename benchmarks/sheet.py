"""Contact sheet of what `benchmarks.calibration` cut: ``python -m benchmarks.sheet CROPS.npz SHEET.jpg``.

Columns are the real face and its four forgeries, rows test clips at raw, c23 and c40. Looked at after every change: a
corpus that a human eye calls broken teaches trivial cues.
"""

import argparse
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from benchmarks.calibration import CRF, REAL
from deepfake_adv.corpus.forge.registry import FORGERIES

_QUALITY: Final = 88  # of the JPEG
_ENLARGED: Final = 1.25


def main() -> None:
    """Read, lay out, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--clips", type=int, nargs="+", default=[2, 11, 18])
    parser.add_argument("--moment", type=int, default=2)
    arguments = parser.parse_args()
    rows = []
    with np.load(arguments.crops) as arrays:
        sheaves = {
            quality: [arrays[f"test {quality} {kind}"][:, arguments.moment] for kind in (REAL, *map(str, FORGERIES))]
            for quality in CRF
        }
    for clip in arguments.clips:
        rows += [np.hstack([images[clip] for images in sheaf]) for sheaf in sheaves.values()]
    picture = cv2.resize(np.vstack(rows), None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    arguments.sheet.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(arguments.sheet), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


if __name__ == "__main__":
    main()
