import asyncio
from urllib.parse import quote

import pytest

from deepfake_adv.serving import uploads
from deepfake_adv.serving.limits import ServeLimits
from deepfake_adv.serving.uploads import Folders, Refused, check_length, receive, shown_name, suffix_of


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (quote("clip.mp4"), "clip.mp4"),
        (quote("Straße 1.mp4"), "Straße 1.mp4"),
        (quote("../../etc/passwd"), "passwd"),
        (quote("..\\..\\boot.ini"), "boot.ini"),
        (quote("a\0b\n\x1bc.mp4"), "abc.mp4"),
        (quote("\u202egpj.exe"), "gpj.exe"),
        ("%ff%fe.mp4", "��.mp4"),
        ("", "the file"),
        ("..", ".."),
        (None, "the file"),
    ],
)
def test_a_name_is_its_last_part_without_what_cannot_be_seen(header, name):
    assert shown_name(header) == name


def test_a_long_name_is_shortened():
    assert len(shown_name("a" * 5000 + ".mp4")) == uploads.LONGEST_NAME + 1
    assert shown_name("a" * 5000 + ".mp4").endswith(".mp4")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.MP4", ".mp4"),
        ("a.jpg", ".jpg"),
        ("a.sh", ".upload"),
        ("..", ".upload"),
        ("a.mp4/../x", ".upload"),
        ("", ".upload"),
    ],
)
def test_only_known_suffixes_are_kept(name, suffix):
    assert suffix_of(name) == suffix


def test_a_stated_length_above_the_limit_is_refused(tmp_path):
    limits = ServeLimits(file_bytes=100, spare_bytes=1)
    check_length({"content-length": "100"}, limits, tmp_path)
    check_length({}, limits, tmp_path)
    with pytest.raises(Refused, match="at most 100 bytes; got 101 bytes") as refused:
        check_length({"content-length": "101"}, limits, tmp_path)
    assert refused.value.status == 413


def test_an_upload_leaves_room_on_the_disk(tmp_path):
    with pytest.raises(Refused, match="must have room") as refused:
        check_length({"content-length": "1"}, ServeLimits(spare_bytes=2**60), tmp_path)
    assert refused.value.status == 507


async def chunks(*parts, wait=0.0):
    for part in parts:
        await asyncio.sleep(wait)
        yield part


def test_a_file_is_received_as_it_is(tmp_path):
    path = tmp_path / "file"
    assert asyncio.run(receive(chunks(b"ab", b"", b"c"), path, ServeLimits())) == 3
    assert path.read_bytes() == b"abc"


@pytest.mark.parametrize(
    ("stream", "options", "status"),
    [
        (lambda: chunks(b"a" * 60, b"b" * 60), {"file_bytes": 100}, 413),
        (lambda: chunks(b""), {}, 400),
        (lambda: chunks(b"a", b"b", wait=0.2), {"upload_seconds": 0.1}, 408),
    ],
)
def test_too_much_nothing_and_too_slow_are_refused(tmp_path, stream, options, status):
    with pytest.raises(Refused) as refused:
        asyncio.run(receive(stream(), tmp_path / "file", ServeLimits(**options)))
    assert refused.value.status == status


def test_folders_are_removed_also_if_someone_writes_into_them_later(tmp_path):
    async def use():
        folders = Folders(tmp_path)
        kept, dropped = folders.make(), folders.make()
        assert kept.stat().st_mode & 0o077 == 0
        folders.drop(dropped)
        dropped.mkdir()
        (dropped / "late").touch()
        sweeping = asyncio.create_task(folders.sweep(every=0.01))
        while dropped.exists():
            await asyncio.sleep(0.01)
        sweeping.cancel()
        return kept

    kept = asyncio.run(use())
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize("name", ["file_bytes", "waiting", "score_seconds"])
def test_limits_are_above_0(name):
    with pytest.raises(ValueError, match=f"{name} must be above 0; got 0"):
        ServeLimits(**{name: 0})
