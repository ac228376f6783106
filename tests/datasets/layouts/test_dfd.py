from deepfake_adv.datasets.layouts.registry import build_layout


def test_names_masks_and_lost_originals(trees):
    root, forgeries, options, quality = trees["dfd"]()
    layout = build_layout("dfd", root, forgeries, options)
    (root / "original_sequences/actors/c23/videos/24__talk_still.mp4").unlink()
    found = {entry.video: entry for entry in layout.videos(quality)}
    fake = found["DFD/24_23__talk_still__YR5OVD4S"]
    assert (fake.target, fake.source, fake.split) == ("24__talk_still", "23", "test")
    assert fake.mask_path.endswith("masks/videos/24_23__talk_still__YR5OVD4S.mp4")
    assert found["DFD/23_24__kitchen__AA"].mask_path == ""
    assert not (root / found["real/24__talk_still"].path).exists()  # known from its fake alone
    assert layout.expected(quality) == {"real": 363, "DFD": 3068}
    assert {entry.split for entry in found.values()} == {"test"}


def test_fakes_alone_are_a_partial_dataset(trees, tmp_path):
    root, forgeries, options, _ = trees["dfd"]()
    (root / "original_sequences").rename(tmp_path / "elsewhere")
    assert build_layout("dfd", root, forgeries, options).problem() is None


def test_ones_own_need_not_be_as_many_as_the_published(trees):
    root, forgeries, _, quality = trees["dfd"]()
    assert build_layout("dfd", root, forgeries, {"published": False}).expected(quality) == {}
