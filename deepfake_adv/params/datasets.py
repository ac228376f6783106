"""Sections `datasets`, `parts`, `inventory`, `extract`: which videos, and which of their frames."""

from typing import Annotated, Literal

from pydantic import Field

from deepfake_adv.names import Forgery, Quality, Split
from deepfake_adv.params.base import Distinct, Section, Some


class FrameCounts(Section):
    """Frames sampled per video, and how: evenly in a centred window, or drawn by the video's name (DFD)."""

    train: int = Field(ge=1)
    val: int = Field(ge=1)
    test: int = Field(ge=1)
    sampling: Literal["even", "random"]


class Options(Section):
    """A layout's own keys; what is left out is as the layout has it (deepfake_adv/data/layouts)."""


class FaceForensicsOptions(Options):
    """Layout `faceforensics`."""

    splits: str


class CelebDFOptions(Options):
    """Layout `celebdf`."""

    version: Literal[1, 2] = 2
    rest: Literal["none", "train"] = "none"


class DFDCOptions(Options):
    """Layout `dfdc`: first and last training part of each split."""

    train: list[int] = Field(default=[0, 34], max_length=2)
    val: list[int] = Field(default=[35, 39], max_length=2)
    test: list[int] = Field(default=[40, 49], max_length=2)


class DeeperForensicsOptions(Options):
    """Layout `deeperforensics`."""

    originals: str
    variant: str = "end_to_end"


class ListsOptions(Options):
    """Layout `lst`: split to list files."""

    lists: dict[Split, str | list[str]]


class TableOptions(Options):
    """Layout `csv`."""

    table: str = "videos.csv"


class _OnDisk(Section):
    """What every dataset has, whatever its layout."""

    root: str
    forgeries: Distinct[Forgery]
    frames: FrameCounts


class FaceForensicsDataset(_OnDisk):
    """FaceForensics++ or the embedded corpus."""

    layout: Literal["faceforensics"]
    forgeries: Some[Forgery]
    options: FaceForensicsOptions


class CelebDFDataset(_OnDisk):
    """Celeb-DF."""

    layout: Literal["celebdf"]
    options: CelebDFOptions


class DFDCDataset(_OnDisk):
    """DFDC."""

    layout: Literal["dfdc"]
    options: DFDCOptions


class DeeperForensicsDataset(_OnDisk):
    """DeeperForensics-1.0."""

    layout: Literal["deeperforensics"]
    options: DeeperForensicsOptions


class ListsDataset(_OnDisk):
    """The release's lists."""

    layout: Literal["lst"]
    options: ListsOptions


class TableDataset(_OnDisk):
    """The user's own table."""

    layout: Literal["csv"]
    options: TableOptions


class PlainDataset(_OnDisk):
    """Layouts without keys of their own."""

    layout: Literal["dfd", "dfdc_preview", "sladd"]
    options: Options


Dataset = Annotated[
    FaceForensicsDataset
    | CelebDFDataset
    | DFDCDataset
    | DeeperForensicsDataset
    | ListsDataset
    | TableDataset
    | PlainDataset,
    Field(discriminator="layout"),
]


class Part(Section):
    """One dataset at one quality: the unit of the data path's stages."""

    dataset: str
    quality: Quality


class Inventory(Section):
    """What is tolerated in a dataset."""

    missing: Literal["fatal", "tolerated"]
    contradictions: Literal["fatal", "tolerated"]
    max_unreadable_share: float = Field(ge=0, le=1)
    max_frames: int = Field(ge=1)
    max_pixels: int = Field(ge=1)


class Extract(Section):
    """Which frames are sampled, and in which form they are kept."""

    store: Literal["frames", "index"]
    min_frames: int = Field(ge=1)
    max_skipped_share: float = Field(ge=0, le=1)
