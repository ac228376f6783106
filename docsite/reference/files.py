"""The page on the files that stages and `predict` write: the columns of each, from the schemas that write them."""

import inspect
import itertools
import re
from dataclasses import fields
from types import ModuleType
from typing import Any, Final, NamedTuple

import pyarrow as pa

from deepfake_adv.crops import files as crops
from deepfake_adv.data import manifest
from deepfake_adv.datasets.videos import VideoEntry, VideoRow
from deepfake_adv.extraction import boxes, frames
from deepfake_adv.prediction import output
from deepfake_adv.training import score
from docsite.reference.markdown import attributes, code, prose, table


class Written(NamedTuple):
    """A kind of parquet file.

    Attributes:
        title: Of the section.
        place: Where such files lie.
        about: What a row is.
        schema: The columns.
        modules: Their sources' comments explain the columns.
        rows: Their docstrings explain the columns.
    """

    title: str
    place: str
    about: str
    schema: pa.Schema
    modules: tuple[ModuleType, ...]
    rows: tuple[type, ...] = ()


_ARROW: Final[dict[Any, pa.DataType]] = {str: pa.string(), int: pa.int64(), float: pa.float64()}
INVENTORY: Final = pa.schema([(field.name, _ARROW[field.type]) for field in fields(VideoRow)])

FILES: Final = (
    Written(
        "Inventories", "data/inventory/<dataset>/<quality>.csv", "a video that the layout expects", INVENTORY, (),
        (VideoEntry, VideoRow),
    ),
    Written("Sampled frames", "data/frames/<dataset>/<quality>", "a frame of a video", frames.FRAME_SCHEMA, (frames,)),
    Written("Faces", "data/faces/<dataset>", "a face's box in a frame", boxes.BOX_SCHEMA, (boxes,)),
    Written("Crops", "data/crops/<dataset>/<quality>", "a cut face", crops.CROP_SCHEMA, (crops,)),
    Written(
        "Manifests", "data/manifests/<tier>/{train,val,test}.parquet", "a crop that training or scoring reads",
        manifest.MANIFEST_SCHEMA, (manifest, crops),
    ),
    Written(
        "Scores", "data/scores/<run>.parquet", "a test frame, scored by one trained detector",
        score.SCHEMA, (score, crops),
    ),
    Written(
        "Results of predict", "deepfake-adv predict --csv, --parquet", "a file that was given",
        output.TABLE_SCHEMA, (output,),
    ),
)  # fmt: skip


_RANGE: Final = ("first byte of the value in the crop file", "number of its bytes", "their CRC-32")
_FACES: Final = {
    "seen": "people in view",
    "scored": "people with a score",
    "too_small": "people left out as too small",
    "too_brief": "people left out as shown too briefly",
    "lost_at_cuts": "people whose track a cut ended",
}


def page() -> str:
    """Markdown of the page."""
    parts = "\n".join(map(_section, FILES))
    return f"""# Files

The columns of the tables that the pipeline leaves. Inventories are CSV, all others parquet; pandas reads both.

{parts}"""


def _section(written: Written) -> str:
    said = columns_said(written)
    rows = [(code(field.name), _kind(field.type), prose(said.get(field.name, ""))) for field in written.schema]
    columns = table(["column", "type", "meaning"], rows)
    return f"## {written.title}\n\n`{written.place}`. A row is {written.about}.\n\n{columns}"


def columns_said(written: Written) -> dict[str, str]:
    """Column -> the comment beside it in the source of its schema, or what the docstring of a row says."""
    found: dict[str, str] = {}
    for row in written.rows:
        found |= attributes(row)
    for module in written.modules:
        text = inspect.getsource(module)
        for name, said in re.findall(r"""^\s+(?:pa\.field)?\("(\w+)", .*\),\s+# (.+)$""", text, re.MULTILINE):
            found.setdefault(name, said)
    ranges = zip(crops.BYTE_RANGES, itertools.cycle(_RANGE), strict=False)
    corners = dict.fromkeys(boxes.CORNERS, "corner of the box, pixels of the frame; null where the frame was dropped")
    return found | corners | dict(ranges) | {f"faces_{name}": said for name, said in _FACES.items()}


def _kind(kind: pa.DataType) -> str:
    """An Arrow type in short: the item of a list, the fields of a struct."""
    if pa.types.is_list(kind):
        return f"list of {_kind(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "struct of " + ", ".join(code(kind.field(at).name) for at in range(kind.num_fields))
    return str(kind)
