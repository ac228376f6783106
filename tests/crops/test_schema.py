import json

import pyarrow as pa

from deepfake_adv.crops.schema import CROP_SCHEMA, CROP_WRITE_OPTIONS, MANIFEST_SCHEMA, METADATA, crop_schema


def test_no_column_is_a_dictionary():
    for schema in (CROP_SCHEMA, MANIFEST_SCHEMA):
        assert not any(pa.types.is_dictionary(field.type) for field in schema)
    assert CROP_WRITE_OPTIONS["use_dictionary"] is False


def test_a_manifest_has_all_metadata_but_landmarks_and_where_the_crop_lies():
    places = ["has_mask", "file", "row_group", "row", "file_fingerprint"]
    places += [f"{kind}_{name}" for kind in ("image", "mask", "landmarks") for name in ("offset", "size", "crc")]
    assert MANIFEST_SCHEMA.names == [name for name in METADATA if name != "landmarks"] + places
    assert all(
        MANIFEST_SCHEMA.field(name).type == CROP_SCHEMA.field(name).type
        for name in MANIFEST_SCHEMA.names[: -len(places)]
    )


def test_statistics_are_on_what_readers_filter_by_and_not_on_bytes():
    assert {"forgery", "quality", "split", "label", "video", "frame"} <= set(CROP_WRITE_OPTIONS["write_statistics"])
    assert not any("image" in name or "mask" in name for name in CROP_WRITE_OPTIONS["write_statistics"])


def test_features_name_every_column_for_datasets():
    features = json.loads(crop_schema().metadata[b"huggingface"])["info"]["features"]
    assert list(features) == CROP_SCHEMA.names
    assert features["image"] == features["mask"] == {"_type": "Image"}
    assert features["frame"] == {"dtype": "int32", "_type": "Value"}
    assert features["time"]["dtype"] == "float32"
    assert features["detected"]["dtype"] == "bool"
