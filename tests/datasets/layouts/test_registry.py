"""The contract that every layout keeps, on the tree that it writes in miniature."""

import os
from pathlib import Path, PurePosixPath

import pytest

from deepfake_adv.datasets.layouts.registry import LAYOUTS, build_layout
from deepfake_adv.datasets.splits import check_identities
from deepfake_adv.names import REAL, Forgery, Split


@pytest.fixture(params=sorted(LAYOUTS))
def made(request, trees):
    root, forgeries, options, quality = trees[request.param]()
    return request.param, build_layout(request.param, root, forgeries, options), quality


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_all_videos_are_found_as_promised_and_none_is_invented(name, tmp_path):
    promised = LAYOUTS[name].tiny(tmp_path)
    layout = build_layout(name, tmp_path, promised.forgeries, promised.options)
    assert layout.problem() is None
    entries = list(layout.videos(promised.quality))
    assert {entry.video: (entry.split, entry.target, entry.source) for entry in entries} == promised.videos
    assert {entry.label for entry in entries} == {0, 1}
    assert all((layout.root / entry.path).exists() for entry in entries)
    assert all((layout.root / entry.mask_path).exists() for entry in entries if entry.mask_path)
    own = {*layout.forgeries, *layout.own_forgeries}
    assert {entry.forgery for entry in entries if entry.label} <= own or not own


def test_entries_are_well_formed(made):
    _, layout, quality = made
    entries = list(layout.videos(quality))
    assert len({entry.video for entry in entries}) == len(entries)
    for entry in entries:
        assert (entry.forgery == REAL) == (entry.label == 0)
        assert entry.forgery == REAL or entry.forgery in list(Forgery)
        assert entry.split in ["", *Split]
        assert entry.video.startswith(f"{entry.forgery}/")
        assert entry.video.count("/") == 1
        assert not PurePosixPath(entry.path).is_absolute()
        assert "\\" not in entry.path
        assert entry.target
        assert all(type(value) in (str, int) or value in list(Forgery) + list(Split) for value in vars(entry).values())


def test_no_identity_crosses_splits(made):
    _, layout, quality = made
    if layout.exact_identities:
        check_identities(layout.videos(quality), "x")


def test_a_lost_video_is_still_expected_or_counted_by_number(made, tmp_path):
    _, layout, quality = made
    entries = list(layout.videos(quality))
    victim = next(entry for entry in entries if entry.label == 1)
    (layout.root / victim.path).rename(tmp_path / "gone")
    after = {entry.video for entry in layout.videos(quality)}
    assert victim.video in after or layout.expected(quality)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_nothing_at_the_root(name, trees, tmp_path):
    _, forgeries, options, _ = trees[name]()
    layout = build_layout(name, tmp_path / "nowhere", forgeries, options)
    assert "nowhere: there is no such folder" in layout.problem()
    (tmp_path / "hollow").mkdir()
    assert "hollow: the folder is empty" in build_layout(name, tmp_path / "hollow", forgeries, options).problem()
    (tmp_path / "file").write_text("")
    assert "it is no folder" in build_layout(name, tmp_path / "file", forgeries, options).problem()
    (tmp_path / "other" / "holiday").mkdir(parents=True)
    assert str(tmp_path / "other") in build_layout(name, tmp_path / "other", forgeries, options).problem()
    assert len(layout.how_to_get) > 20


def test_unknown_names_are_refused_with_a_hint():
    with pytest.raises(ValueError, match="Did you mean 'celebdf'"):
        build_layout("celeb_df", "x", [], {})
    with pytest.raises(ValueError, match=r"got 'splitz'.*Did you mean 'splits'"):
        build_layout("faceforensics", "x", ["DF"], {"splitz": "y"})
    with pytest.raises(ValueError, match=r"originals is missing\. It is: Root of"):
        build_layout("deeperforensics", "x", [], {})
    with pytest.raises(ValueError, match=r"forgeries must be of DF, .*; got mine"):
        build_layout("dfd", "x", ["mine"], {})
    with pytest.raises(ValueError, match=r"forgeries must be names of letters, .*; got a/b"):
        build_layout("csv", "x", ["mine", "a/b"], {})


def test_faceforensics_has_its_four_forgeries_and_its_splits_where_none_are_named():
    layout = build_layout("faceforensics", "x", [], {})
    assert layout.forgeries == ("DF", "F2F", "FS", "NT")
    assert layout.splits == Path("x/splits")


def test_forgeries_of_faceforensics_alone_are_taken():
    for name, options in (("faceforensics", {"splits": "y"}), ("sladd", {})):
        with pytest.raises(ValueError, match=r"forgeries must be of DF, .*; got DFDC"):
            build_layout(name, "x", ["DF", "DFDC"], options)


def test_no_permission_is_reported(trees, monkeypatch):
    root, forgeries, options, quality = trees["faceforensics"]()
    real = os.listdir

    def guarded(path="."):
        if Path(path).name == "videos":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", guarded)
    with pytest.raises(PermissionError, match=r"permission was denied; give read permission.*videos'"):
        list(build_layout("faceforensics", root, forgeries, options).videos(quality))
