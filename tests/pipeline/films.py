"""Videos and pictures of rendered people, each file another person, where a page names files of its reader's.

``python films.py FILE …``: what is there already is kept; the suffix says whether it is a video or a picture.
"""

import sys
from pathlib import Path

import cv2

from deepfake_adv.corpus.render.take import film
from deepfake_adv.video.colour import rgb_to_i420
from deepfake_adv.video.encode import write_h264

FRAMES = 8


def main() -> None:
    """Write the files."""
    for person, path in enumerate(map(Path, sys.argv[1:])):
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures = [picture for picture, _ in film(7, person, frames=FRAMES, size=240, fps=5)]
        if path.suffix == ".mp4":
            write_h264(path, [rgb_to_i420(picture) for picture in pictures], crf=18, fps=5)
        else:
            cv2.imwrite(str(path), cv2.cvtColor(pictures[0], cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
