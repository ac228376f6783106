"""What the stage `corpus` cannot do for params: datasets that it does not make, clips that are not there."""

from pathlib import Path
from typing import Final

from deepfake_adv.corpus.clips import list_clips
from deepfake_adv.params.schema import Params

_CORPUS: Final = Path("data/corpus")
_FURTHER: Final = {"dfd": "dfd_pairs", "celebdf": "celebdf_pairs"}
"""By layout: the key that says how many pairs of a further test set are rendered."""


def not_made(params: Params) -> list[str]:
    """A sentence for each dataset in data/corpus that the stage `corpus` will not make: it would fail hours later."""
    source, sentences = params.corpus.source, []
    for name, dataset in params.datasets.items():
        if not Path(dataset.root).is_relative_to(_CORPUS):
            continue
        pairs = _FURTHER.get(dataset.layout)
        if source == "none":
            reason = "corpus.source is none"
        elif pairs is not None and source == "clips":
            reason = f"corpus.source clips makes no set of layout {dataset.layout}"
        elif pairs is not None and getattr(params.corpus, pairs) == 0:
            reason = f"corpus.{pairs} is 0"
        else:
            continue
        parts = ", ".join(key for key, part in params.parts.items() if part.dataset == name)
        left = f" and {parts} from `parts`" if parts else ""
        sentences.append(
            f"datasets.{name} must be made by the stage corpus, as its root says; got {dataset.root}, and {reason}. "
            f"Remove {name} from `datasets`{left}."
        )
    return sentences


def missing_clips(params: Params) -> list[str]:
    """A sentence where the corpus is to be made from clips and the folder has too few files."""
    corpus = params.corpus
    if corpus.source != "clips":
        return []
    try:
        files = list_clips(corpus.folder)
    except (FileNotFoundError, ValueError) as error:
        return [str(error)]
    needed = 2 * (corpus.pairs.train + corpus.pairs.val + corpus.pairs.test)
    if len(files) >= needed:
        return []
    return [
        f"corpus.folder must have two clips for each pair of corpus.pairs, {needed}; got {len(files)} files in "
        f"{corpus.folder}. Add clips, or lower corpus.pairs."
    ]
