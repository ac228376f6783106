from deepfake_adv.datasets.layouts.registry import build_layout


def test_folders_masks_and_eval_as_validation(trees, put):
    root, forgeries, options, _ = trees["sladd"]()
    put(root, "image/FF-NT/777_778/0001.png")
    found = {entry.video: entry for entry in build_layout("sladd", root, forgeries, options).videos("native")}
    entry = found["NT/004_005"]
    assert (entry.split, entry.target, entry.source) == ("val", "004", "005")
    assert (entry.path, entry.mask_path) == ("image/FF-NT/004_005", "mask/FF-NT/004_005")
    assert found["real/004"].mask_path == ""
    assert found["NT/777_778"].note == "in none of config/*.json"


def test_files_beside_the_folders_are_no_videos(trees, put):
    root, forgeries, options, _ = trees["sladd"]()
    before = list(build_layout("sladd", root, forgeries, options).videos("native"))
    put(root, "image/real/.DS_Store", "image/FF-NT/Thumbs.db", "mask/FF-NT/.DS_Store", "image/real/.cache/0001.png")
    assert list(build_layout("sladd", root, forgeries, options).videos("native")) == before
