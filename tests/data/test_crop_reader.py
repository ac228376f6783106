import errno

import pytest

from deepfake_adv.data import crop_reader
from deepfake_adv.data.crop_reader import CorruptCrop, CropReader


def test_the_reader_touches_only_its_columns_and_keeps_few_groups(shards):
    reader = CropReader(shards.parents[1], ["image.bytes"], keep=1)
    name = "crops/corpus/c23/NT-train-000.parquet"
    group = reader.group(name, 0)
    assert list(group) == ["image.bytes"]
    assert all(bytes(data[1:4]) == b"PNG" for data in group["image.bytes"])
    assert reader.group(name, 0) is group
    reader.group("crops/corpus/raw/NT-train-000.parquet", 0)
    assert reader.group(name, 0) is not group


def test_a_damaged_page_is_no_crop(make_shards):
    root = make_shards().parents[1]
    name = "crops/corpus/c23/NT-train-000.parquet"
    content = bytearray((root / name).read_bytes())
    place = content.find(b"\x89PNG") + 60
    content[place] ^= 1
    (root / name).write_bytes(content)
    with pytest.raises(CorruptCrop, match=r"CRC checksum .* row group 0 of .*NT-train-000\.parquet"):
        CropReader(root, ["image.bytes"], keep=1).group(name, 0)


def test_a_row_group_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(CorruptCrop, match=r"row group 0 of .*x\.parquet"):
        CropReader(tmp_path, ["image"], keep=1).group("x.parquet", 0)


def test_few_files_are_open_at_a_time(shards, monkeypatch):
    monkeypatch.setattr(crop_reader, "OPEN_FILES", 2)
    root = shards.parents[1]
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("crops/**/*.parquet"))
    assert len(names) > 3
    reader = CropReader(root, ["image.bytes"], keep=1)
    first = reader.group(names[0], 0)
    files = []
    for name in names:
        reader.group(name, 0)
        files.append(reader._files[name])
    assert [file.closed for file in files] == [True] * (len(names) - 2) + [False] * 2
    assert reader.group(names[0], 0) == first


def test_too_many_open_files_are_not_the_files_fault(shards, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(crop_reader.pq, "ParquetFile", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        CropReader(shards.parents[1], ["image.bytes"], keep=1).group("crops/corpus/c23/NT-train-000.parquet", 0)
