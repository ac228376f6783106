import errno
import pickle
import zlib

import pytest

from deepfake_adv.crops import crop_reader
from deepfake_adv.crops.crop_reader import CorruptCrop, CropReader

DATA = bytes(range(200))
CRC = zlib.crc32(DATA[10:30])


@pytest.fixture
def files(tmp_path):
    for name in "abcde":
        (tmp_path / name).write_bytes(DATA)
    return tmp_path


def test_the_bytes_asked_for_are_read(files):
    assert CropReader(files).read("a", 10, 20, CRC) == DATA[10:30]


def test_a_changed_byte_is_no_crop(files):
    (files / "a").write_bytes(DATA.replace(b"\x0f", b"\x10"))
    with pytest.raises(CorruptCrop, match="another CRC checksum"):
        CropReader(files).read("a", 10, 20, CRC)


def test_a_file_that_is_cut_short_while_it_is_open_is_no_crop(files):
    reader = CropReader(files)
    reader.read("a", 10, 20, CRC)
    with open(files / "a", "r+b") as stream:
        stream.truncate(25)
    with pytest.raises(CorruptCrop, match="15 of 20 bytes"):
        reader.read("a", 10, 20, CRC)


def test_a_file_that_is_missing_is_no_crop(files):
    with pytest.raises(CorruptCrop, match="No such file"):
        CropReader(files).read("x", 0, 1, 0)


def test_few_files_are_open_at_a_time(files, monkeypatch):
    monkeypatch.setattr(crop_reader, "OPEN_FILES", 2)
    reader = CropReader(files)
    opened = []
    for name in "abcdea":
        reader.read(name, 10, 20, CRC)
        opened.append(reader._files[name])
    assert [file.closed for file in opened] == [True] * 4 + [False] * 2


def test_open_files_stay_behind_when_sent_to_another_process(files):
    reader = CropReader(files)
    reader.read("a", 10, 20, CRC)
    again = pickle.loads(pickle.dumps(reader))
    assert not again._files
    assert again.read("a", 10, 20, CRC) == DATA[10:30]


def test_too_many_open_files_are_not_the_files_fault(files, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(crop_reader.CropReader, "_open", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        CropReader(files).read("a", 10, 20, CRC)
