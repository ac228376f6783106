from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.pick import pick_first, pick_track


def at(x: float, side: float = 100) -> FaceBox:
    return FaceBox(x, 50, x + side, 50 + side)


def test_one_face_per_frame_is_taken():
    assert pick_track([[at(0)], [at(20)], [at(40)]]) == ([0, 0, 0], 0)
    assert pick_track([[at(0)], [], [at(10)]]) == ([0, None, 0], 0)
    assert pick_track([]) == ([], 0)
    assert pick_track([[], []]) == ([None, None], 0)


def test_a_person_missed_in_one_frame_is_not_replaced_by_a_smaller_one():
    frames = [[at(0, 200), at(400, 190)] for _ in range(20)]
    frames[10] = [at(400, 190)]
    picked = pick_track(frames)
    assert picked.faces == [0] * 10 + [None] + [0] * 9
    assert picked.others == 1


def test_how_still_a_face_holds_counts_nothing():
    poster = at(500, 100)
    frames = [[at(15 * k, 120), poster] for k in range(20)]  # neighbours overlap by 0.78
    assert pick_track(frames) == ([0] * 20, 1)


def test_one_who_is_there_for_most_of_the_shot_outweighs_a_larger_passer_by():
    frames = [[at(400, 100)] for _ in range(20)]
    for k in range(5, 9):
        frames[k] = [at(0, 180), at(400, 100)]
    assert pick_track(frames) == ([0] * 5 + [1] * 4 + [0] * 11, 1)


def test_the_larger_person_is_followed_whatever_the_order():
    frames = [[at(100, 120), at(400, 90)] if k % 2 else [at(400, 90), at(100, 120)] for k in range(8)]
    assert pick_track(frames) == ([int(k % 2 == 0) for k in range(8)], 1)


def test_a_passer_by_near_the_camera_does_not_take_over():
    frames = [[at(100 + k)] for k in range(9)]
    frames[4] = [at(350, 160), at(104)]
    assert pick_track(frames) == ([0, 0, 0, 0, 1, 0, 0, 0, 0], 1)


def test_a_false_face_where_the_person_is_missed_is_not_taken():
    frames = [[at(100)] for _ in range(9)]
    frames[4] = [at(600, 80)]
    assert pick_track(frames).faces == [0, 0, 0, 0, None, 0, 0, 0, 0]


def test_people_one_after_the_other_are_all_taken():
    frames = [[at(100)]] * 5 + [[at(600)]] * 5
    assert pick_track(frames) == ([0] * 10, 0)


def test_each_shot_has_its_own_person():
    first, second = [at(100, 120), at(400, 90)], [at(100, 70), at(400, 90)]
    assert pick_track([first] * 3 + [second] * 3).faces == [0] * 6
    assert pick_track([first] * 3 + [second] * 3, shots=[0] * 3 + [1] * 3).faces == [0] * 3 + [1] * 3


def test_a_frame_counts_by_what_it_stands_for():
    frames = [[at(100, 110), at(400, 100)], [at(400, 100)], [at(400, 100)]]
    assert pick_track(frames).faces == [1, 0, 0]
    assert pick_track(frames, weights=[10, 1, 1]).faces == [0, None, None]


def test_the_masks_overlap_outweighs_size():
    frames = [[at(100, 140), at(400, 90)]] * 5
    assert pick_track(frames).faces == [0] * 5
    assert pick_track(frames, [[0.0, 0.9]] * 5).faces == [1] * 5


def test_people_that_no_mask_touches_are_not_taken():
    frames = [[at(100, 140)]] * 3 + [[at(100, 140), at(400, 90)]] * 2
    assert pick_track(frames, [[0.0]] * 3 + [[0.05, 0.9]] * 2).faces == [None] * 3 + [1, 1]
    assert pick_track(frames[:3], [[0.0]] * 3) == ([None] * 3, 1)


def test_a_tie_goes_to_the_locators_first():
    assert pick_track([[at(100), at(400)]] * 3).faces == [0, 0, 0]


def test_the_official_rule_takes_the_first_of_every_frame():
    frames = [[at(400, 90), at(100, 120)], [], [at(100, 120), at(400, 90)], [at(700, 50), at(100, 120)]]
    assert pick_first(frames) == ([0, None, 0, 0], 0)
    assert pick_first(frames[:1]) == ([0], 1)
