"""Columns of every table on the data path, and how they are written.

Crops and boxes have plain strings and no dictionary pages: dictionary columns switch off the pruning of row groups by
their statistics. Manifests have dictionaries: their readers take whole columns, so there is nothing to prune. No page
compression on image bytes: they are compressed already.
"""

import json
from typing import Any, Final

import pyarrow as pa

ROW_GROUP: Final = 32
"""Crops per row group: a batch drawn from 32 pooled groups holds nearly as many videos as a shuffle."""

LANDMARK_VALUES: Final = 136
"""68 points as x0, y0, x1, y1, ..."""

_IMAGE: Final = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_POINTS: Final = pa.list_(pa.float32())

BOX_SCHEMA: Final = pa.schema(
    [
        ("dataset", pa.string()),
        ("target", pa.string()),
        ("video", pa.string()),
        ("quality", pa.string()),  # that the box was found in and is for; null where it is for all of them
        ("frame", pa.int32()),
        ("x0", pa.float32()),  # pixels of the frame; null where the frame was dropped
        ("y0", pa.float32()),
        ("x1", pa.float32()),
        ("y1", pa.float32()),
        ("confidence", pa.float32()),
        ("detected", pa.bool_()),
        ("landmarks", _POINTS),  # pixels of the frame
    ]
)

CROP_SCHEMA: Final = pa.schema(
    [
        ("image", _IMAGE),
        ("mask", _IMAGE),
        ("video", pa.string()),
        ("frame", pa.int32()),
        ("time", pa.float32()),
        ("label", pa.int8()),
        ("forgery", pa.string()),
        ("quality", pa.string()),
        ("split", pa.string()),
        ("dataset", pa.string()),
        ("target", pa.string()),
        ("source", pa.string()),
        ("box_x", pa.int32()),  # the square cut, pixels of the frame
        ("box_y", pa.int32()),
        ("box_side", pa.int32()),
        ("face_x0", pa.float32()),  # the face in it, pixels of the frame
        ("face_y0", pa.float32()),
        ("face_x1", pa.float32()),
        ("face_y1", pa.float32()),
        ("detected", pa.bool_()),
        ("width", pa.int32()),  # of the frame
        ("height", pa.int32()),
        ("encoding", pa.string()),
        ("landmarks", _POINTS),  # pixels of the crop
    ]
)

METADATA: Final = tuple(name for name in CROP_SCHEMA.names if name not in ("image", "mask"))

RANGED: Final = (("image.bytes", "image"), ("mask.bytes", "mask"), ("landmarks", "landmarks"))
"""Columns of the crop files that are read crop by crop, and what the columns of their byte ranges begin with."""

RANGES: Final = {
    f"{kind}_{name}": type_
    for _, kind in RANGED
    for name, type_ in (("offset", pa.int64()), ("size", pa.int32()), ("crc", pa.uint32()))
}
"""Columns of a manifest: where in the crop file a value's bytes stand, how many they are, and their CRC-32."""

# Landmarks stay beside the pixels: in the manifest of all of FaceForensics++ they would be 1.2 GB.
MANIFEST_SCHEMA: Final = pa.schema(
    [CROP_SCHEMA.field(name) for name in METADATA if name != "landmarks"]
    + [
        pa.field("has_mask", pa.bool_()),
        pa.field("file", pa.string()),  # relative to the data folder, POSIX
        pa.field("row_group", pa.int32()),
        pa.field("row", pa.int32()),  # in the row group
        pa.field("file_fingerprint", pa.string()),
        *(pa.field(name, type_) for name, type_ in RANGES.items()),
    ]
)


def crop_schema() -> pa.Schema:
    """CROP_SCHEMA with the features that `datasets.load_dataset("parquet")` decodes images by."""
    features = {field.name: _feature(field) for field in CROP_SCHEMA}
    return CROP_SCHEMA.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _feature(field: pa.Field) -> dict[str, Any]:
    if field.type == _IMAGE:
        return {"_type": "Image"}
    if field.type == _POINTS:
        return {"_type": "List", "feature": {"dtype": "float32", "_type": "Value"}}
    name = {"float": "float32", "double": "float64"}.get(str(field.type), str(field.type))
    return {"dtype": name, "_type": "Value"}


WRITE_OPTIONS: Final[dict[str, Any]] = {
    "use_dictionary": False,
    "compression": "none",
    "version": "2.6",
    "store_schema": True,
    "write_page_checksum": True,
}
"""Of `pyarrow.parquet.ParquetWriter`, for tables without pixels."""

MANIFEST_WRITE_OPTIONS: Final[dict[str, Any]] = {
    **WRITE_OPTIONS,
    "use_dictionary": [name for name in MANIFEST_SCHEMA.names if name not in RANGES],
    "column_encoding": {name: "PLAIN" if name.endswith("_crc") else "DELTA_BINARY_PACKED" for name in RANGES},
}
"""The same for manifests: texts once per row group, which makes them an eighth as large and quicker to read."""

CROP_WRITE_OPTIONS: Final[dict[str, Any]] = {
    **WRITE_OPTIONS,
    "write_statistics": [name for name in METADATA if name != "landmarks"],
}
"""The same for crops: statistics on all that a reader filters by, none on bytes."""
