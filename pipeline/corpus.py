"""The embedded corpus: corpus.py FOLDER."""

import sys
from pathlib import Path

from deepfake_adv import log
from deepfake_adv.corpus.build import build
from deepfake_adv.params.load import load_params


def main(output: Path) -> None:
    """Render or read originals, forge, encode."""
    log.configure("corpus")
    params = load_params("corpus", "execution")
    corpus, execution = params.corpus, params.execution
    build(
        output,
        source=corpus.source,
        folder=corpus.folder,
        seed=corpus.seed,
        pairs=corpus.pairs.model_dump(),
        frames=corpus.frames,
        size=corpus.size,
        fps=corpus.fps,
        max_height=corpus.max_height,
        workers=execution.workers,
        engine=execution.engine,
        address=execution.address,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
