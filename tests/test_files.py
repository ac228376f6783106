import io
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from deepfake_adv import files
from deepfake_adv.files import (
    atomic_write,
    check_inside,
    csv_text,
    file_fingerprint,
    fingerprint,
    inside,
    natural_key,
    read_csv,
    read_json,
    read_json_object,
    read_text,
    write_csv,
    write_json,
)


def test_atomic_write_replaces_the_whole_file(tmp_path):
    path = tmp_path / "folder" / "video.mp4"
    for text in ("old", "new"):
        with atomic_write(path) as temporary:
            assert temporary.suffix == ".mp4"
            temporary.write_text(text)
    assert path.read_text() == "new"
    assert os.listdir(path.parent) == ["video.mp4"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_killed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    code = f"""
        import time
        from pathlib import Path
        from deepfake_adv.files import atomic_write
        with atomic_write(Path({str(path)!r})) as temporary:
            temporary.write_text("half")
            print("ready", flush=True)
            time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"


def test_json_is_sorted_and_refuses_nan(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [0.5, None]})
    assert (tmp_path / "a.json").read_text().index('"a"') < (tmp_path / "a.json").read_text().index('"b"')
    assert read_json(tmp_path / "a.json") == {"a": [0.5, None], "b": 1}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", float("nan"))
    assert not (tmp_path / "b.json").exists()


def test_broken_json_is_named(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match=r"run\.json must be JSON; got .*Fix it, or replace it with a complete copy"):
        read_json(tmp_path / "run.json")
    with pytest.raises(ValueError, match="must be a file; got a folder"):
        read_json(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "nothing.json")


def test_json_is_read_without_its_byte_order_mark(tmp_path):
    (tmp_path / "metadata.json").write_bytes("\ufeff{}".encode())
    assert read_json(tmp_path / "metadata.json") == {}


@pytest.mark.parametrize("text", ["[]", "null", "3", "{}", '{"seed": "0"}', '{"seed": null}'])
def test_json_that_lacks_a_key_is_named(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match=r"run\.json must (hold a JSON object|have the key seed \(int\)); got "):
        read_json_object(tmp_path / "run.json", {"seed": int})


def test_a_json_object_may_have_more_keys(tmp_path):
    write_json(tmp_path / "run.json", {"seed": 0, "more": []})
    assert read_json_object(tmp_path / "run.json", {"seed": int}) == {"seed": 0, "more": []}


def test_text_is_read_without_its_byte_order_mark(tmp_path):
    (tmp_path / "table.csv").write_bytes("\ufeffpath,label\r\nÄ,1\n".encode())
    assert read_text(tmp_path / "table.csv") == "path,label\r\nÄ,1\n"


def test_text_in_another_encoding_is_named(tmp_path):
    (tmp_path / "table.csv").write_bytes("path,label\nÄ,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"table\.csv must be UTF-8 text; got the byte 0xc4 in line 2\. Save it"):
        read_text(tmp_path / "table.csv")
    with pytest.raises(ValueError, match="must be a file; got a folder"):
        read_text(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "nothing")


def test_csv_is_written_from_mappings_and_from_sequences(tmp_path):
    path = tmp_path / "t.csv"
    rows = [{"a": 1, "b": "x, y"}, (2.5, None), {"b": "z"}]
    write_csv(path, ("a", "b"), rows)
    assert path.read_bytes() == b'a,b\n1,"x, y"\n2.5,\n,z\n'
    assert csv_text(("a", "b"), rows) == path.read_text()
    assert list(read_csv(path)) == [{"a": "1", "b": "x, y"}, {"a": "2.5", "b": ""}, {"a": "", "b": "z"}]


def test_csv_is_written_completely_or_not_at_all(tmp_path):
    path = tmp_path / "t.csv"
    write_csv(path, ("a",), [{"a": 1}])
    with pytest.raises(ValueError, match="fields not in"):
        write_csv(path, ("a",), [{"a": 2}, {"c": 2}])
    assert path.read_text() == "a\n1\n"


def test_fingerprint_ignores_key_order_only():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


@pytest.mark.parametrize("where", [0, 1000, 100_000, 299_999])
def test_file_fingerprint_sees_the_ends_and_the_size(tmp_path, where):
    path = tmp_path / "video"
    content = bytearray(300_000)
    path.write_bytes(content)
    before = file_fingerprint(path)
    content[where] = 1
    path.write_bytes(content)
    middle = 65_536 <= where < 300_000 - 65_536
    assert (file_fingerprint(path) == before) == middle
    path.write_bytes(content + b"x")
    assert file_fingerprint(path) != before


def test_fingerprint_of_a_large_file_reads_its_two_ends_alone(tmp_path, monkeypatch):
    path = tmp_path / "large"
    with open(path, "wb") as stream:
        stream.truncate(1 << 34)
    read = []

    class Counted(io.FileIO):
        def read(self, size=-1):
            data = super().read(size)
            read.append(len(data))
            return data

    monkeypatch.setattr(files, "open", Counted, raising=False)
    file_fingerprint(path)
    assert 0 < sum(read) <= 2 << 16


@pytest.mark.parametrize(
    "names",
    [
        ["0.png", "1.png", "2.png", "10.png", "100.png", "101.png"],
        ["take.png", "take1.png", "take2.png", "take10.png", "taker.png"],
        ["a_1_f9.png", "a_1_f10.png", "a_2_f1.png", "a_10_f0.png"],
        ["001.png", "01.png", "1.png", "2.png"],
        ["n02/9.png", "n02/10.png", "n10/1.png"],
        ["9" * 5000, "1" + "0" * 5000],  # beyond what int() reads
    ],
)
def test_names_are_sorted_by_their_numbers(names):
    backwards = names[::-1]
    assert sorted(backwards, key=natural_key) == names
    assert sorted(map(Path, backwards), key=natural_key) == [Path(name) for name in names]


@pytest.mark.parametrize("name", ["", "/a", "..", "a/../b", "a//b", "./a", "C:a", "a/c:", "a\\b", "a\0b", "a/"])
def test_names_that_lead_out_of_a_folder_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"^video must be a name that stays in the folder it is put in; got "):
        check_inside(name, "video")
    with pytest.raises(ValueError, match=r"^video must be a name that stays"):
        inside(tmp_path, name, "video")


def test_a_name_in_a_folder_is_joined_unless_a_link_leads_out(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    assert inside(tmp_path / "in", "a..b/12:30 ü.mp4", "video") == tmp_path / "in" / "a..b/12:30 ü.mp4"
    with pytest.raises(ValueError, match=r"video must stay in .*; got 'link/a', which a symbolic link leads out"):
        inside(tmp_path / "in", "link/a", "video")


def test_csv_takes_mappings_and_sequences(tmp_path):
    write_csv(tmp_path / "a.csv", ["x", "y"], [{"x": 1, "y": "a,b"}, {"x": 2}, [3, None]])
    assert (tmp_path / "a.csv").read_bytes() == b'x,y\n1,"a,b"\n2,\n3,\n'
    with pytest.raises(ValueError, match="dict contains fields not in fieldnames: 'y'"):
        write_csv(tmp_path / "b.csv", ["x"], [{"x": 1, "y": 2}])
    assert not (tmp_path / "b.csv").exists()
