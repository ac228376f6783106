import numpy as np
import pytest

from deepfake_adv.extraction.sampling import even_indices, random_indices


@pytest.mark.parametrize("count", [1, 2, 10, 100, 270])
@pytest.mark.parametrize("frames", [1, 9, 99, 100, 101, 271, 346, 399, 550, 1799])
def test_even_is_equidistant_as_wide_as_can_be_and_centred(frames, count):
    indices = even_indices(frames, count)
    assert len(indices) == min(frames, count)
    assert indices[0] >= 0
    assert indices[-1] < frames
    if frames > count:
        before, behind = int(indices[0]), frames - 1 - int(indices[-1])
        assert behind - before in (0, 1)
        assert count == 1 or before + behind < count - 1  # a longer stride would not fit
        assert len(set(np.diff(indices))) <= 1
    else:
        assert indices.tolist() == list(range(frames))


def test_even_is_the_rule_seen_in_the_release():
    """Of its lists are known: 100 frames, strides of 3 to 18, and first - stride // 2 from -3 to 48."""
    indices = even_indices(396, 100)  # video 000 of FF++, whose last listed frame is 346
    assert (indices[0], indices[-1], set(np.diff(indices))) == (49, 346, {3})
    lengths = {frames: even_indices(frames, 100) for frames in range(300, 1800)}
    places = {frames: int(found[0] - (found[1] - found[0]) // 2) for frames, found in lengths.items()}
    assert max(places.values()) == 48
    assert min(places.values()) <= -3  # half a stride before the first frame is never below 0
    assert {int(found[1] - found[0]) for found in lengths.values()} == set(range(3, 19))


def test_even_by_hand():
    assert even_indices(10, 3).tolist() == [0, 4, 8]
    assert even_indices(11, 5).tolist() == [1, 3, 5, 7, 9]
    assert even_indices(399, 100)[[0, -1]].tolist() == [1, 397]
    assert even_indices(9, 1).tolist() == [4]
    assert even_indices(0, 5).tolist() == []


def test_random_is_decided_by_name_and_length_alone():
    first = random_indices(300, 10, "DFD/24_23__talk")
    assert first.tolist() == random_indices(300, 10, "DFD/24_23__talk").tolist()
    assert len(set(first.tolist())) == 10
    assert (np.diff(first) > 0).all()
    assert first.tolist() != random_indices(300, 10, "DFD/24_23__walk").tolist()
    assert random_indices(7, 10, "x").tolist() == list(range(7))


def test_random_covers_the_whole_video():
    drawn = np.concatenate([random_indices(300, 10, f"v{number}") for number in range(400)])
    assert np.histogram(drawn, bins=6, range=(0, 300))[0].min() > 4000 / 6 * 0.85


@pytest.mark.parametrize(("frames", "count"), [(-1, 5), (5, 0)])
def test_senseless_numbers(frames, count):
    with pytest.raises(ValueError, match="frames must be 0 or more and count 1 or more"):
        even_indices(frames, count)
    with pytest.raises(ValueError, match="frames must be 0 or more and count 1 or more"):
        random_indices(frames, count, "x")
