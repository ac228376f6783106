"""The field's names, spelled once: forgeries, qualities, splits, labels, conditions."""

import re
from enum import StrEnum
from typing import Final, NamedTuple

REAL: Final = "real"
REAL_LABEL: Final = 0
FAKE_LABEL: Final = 1

ALL_FORGERIES: Final = "FF"
ALL_QUALITIES: Final = "all"

TESTED: Final = "test_conditions"
"""Key of a score file's metadata: the test conditions that its frames were chosen for, with spaces between them."""


class Forgery(StrEnum):
    """How a fake was made, or the dataset whose fakes are taken together; a table of own videos may name others."""

    DF = "DF"
    F2F = "F2F"
    FS = "FS"
    NT = "NT"
    FSH = "FSH"
    DFD = "DFD"
    CELEB = "CelebDF"
    DFDC = "DFDC"
    DFDCP = "DFDCP"
    DFR = "DFR"
    OTHER = "other"


class Quality(StrEnum):
    """Video quality tier; `native` is a dataset that ships in one quality of its own."""

    RAW = "raw"
    C23 = "c23"
    C40 = "c40"
    NATIVE = "native"


class Split(StrEnum):
    """Part of a dataset; test data is never used for a choice."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


FF_FOLDERS: Final[dict[Forgery, str]] = {
    Forgery.DF: "Deepfakes",
    Forgery.F2F: "Face2Face",
    Forgery.FS: "FaceSwap",
    Forgery.NT: "NeuralTextures",
    Forgery.FSH: "FaceShifter",
}

FF_FORGERIES: Final = (Forgery.DF, Forgery.F2F, Forgery.FS, Forgery.NT)


_NAME: Final = re.compile(r"[^\W_][\w-]*")


def is_forgery_name(text: str) -> bool:
    """Whether a forgery may be called so: letters, digits, _ and -, but not as what has a meaning of its own."""
    return bool(_NAME.fullmatch(text)) and text not in (REAL, ALL_FORGERIES, ALL_QUALITIES)


class Condition(NamedTuple):
    """What a detector is trained or tested on: forgery (or dataset) and quality.

    `forgery` is a `Forgery` or a name of one's own, "FF" (all four of FaceForensics++) or, of a test set without fakes,
    "real"; `quality` is a `Quality` or "all". Written ``NT_c23``: DVC loses names with "-" or "." in them.
    """

    forgery: str
    quality: str

    def __str__(self) -> str:
        return f"{self.forgery}_{self.quality}"

    @classmethod
    def parse(cls, text: str, *, real: bool = False) -> "Condition":
        """Read ``NT_c23``.

        Args:
            text: A condition.
            real: Whether ``real_c23`` is one too: tests may be of reals alone, trainings may not.

        Raises:
            ValueError: If `text` is not <forgery>_<quality>.
        """
        forgery, _, quality = text.rpartition("_")
        qualities = [*map(str, Quality), ALL_QUALITIES]
        known = is_forgery_name(forgery) or forgery == ALL_FORGERIES or (real and forgery == REAL)
        if not known or quality not in qualities:
            raise ValueError(
                f"condition must be <forgery>_<quality>, with a quality of {', '.join(qualities)}; got {text!r}. "
                "Write it like NT_c23 or FF_all."
            )
        return cls(forgery, quality)

    def forgeries(self) -> tuple[str, ...]:
        """The forgeries that the condition stands for."""
        return tuple(map(str, FF_FORGERIES)) if self.forgery == ALL_FORGERIES else (self.forgery,)

    def qualities(self) -> tuple[str, ...] | None:
        """The qualities that the condition stands for; None for every one there is."""
        return None if self.quality == ALL_QUALITIES else (self.quality,)
