from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.pick import pick_track


def at(x: float, side: float = 100) -> FaceBox:
    return FaceBox(x, 50, x + side, 50 + side)


def test_one_face_per_frame_leaves_no_choice():
    assert pick_track([[at(0)], [at(300)], [at(10)]]) == [0, 0, 0]
    assert pick_track([]) == []


def test_the_larger_person_is_followed_whatever_the_order():
    frames = [[at(100, 120), at(400, 90)] if k % 2 else [at(400, 90), at(100, 120)] for k in range(8)]
    assert pick_track(frames) == [k % 2 == 0 for k in range(8)]


def test_a_passer_by_near_the_camera_does_not_take_over():
    frames = [[at(100 + k)] for k in range(9)]
    frames[4] = [at(350, 160), at(104)]
    assert pick_track(frames) == [0, 0, 0, 0, 1, 0, 0, 0, 0]


def test_the_masks_overlap_outweighs_size():
    frames = [[at(100, 140), at(400, 90)]] * 5
    assert pick_track(frames) == [0] * 5
    assert pick_track(frames, [[0.0, 0.9]] * 5) == [1] * 5


def test_a_tie_goes_to_the_locators_first():
    assert pick_track([[at(100), at(400)]] * 3) == [0, 0, 0]
