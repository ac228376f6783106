import numpy as np
import pytest

from deepfake_adv.data.sampling import even_indices, random_indices


@pytest.mark.parametrize("count", [1, 10, 100, 270])
@pytest.mark.parametrize("frames", [1, 9, 99, 100, 101, 271, 346, 550, 1799])
def test_even_is_the_rule_seen_in_the_release(frames, count):
    """Constant stride floor(n / k); what is left lies evenly before and behind."""
    indices = even_indices(frames, count)
    assert len(indices) == min(frames, count)
    assert indices[0] >= 0
    assert indices[-1] < frames
    if frames > count:
        stride = frames // count
        assert set(np.diff(indices)) <= {stride}
        before, behind = indices[0], frames - 1 - indices[-1]
        assert abs(int(before) - int(behind)) <= stride
    else:
        assert indices.tolist() == list(range(frames))


def test_even_by_hand():
    assert even_indices(10, 3).tolist() == [1, 4, 7]
    assert even_indices(11, 5).tolist() == [1, 3, 5, 7, 9]
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
