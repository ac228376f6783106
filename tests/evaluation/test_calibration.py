import numpy as np
import pytest

from deepfake_adv.evaluation.calibration import calibrate, log_odds

NAMES = [str(number) for number in range(400)]


def videos(count, shift, seed=0):
    """Scores whose log-odds are normal with deviation 1 and means apart by `shift`: ln LR = shift x log-odds."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(-shift / 2, 1, count), rng.normal(shift / 2, 1, count)])
    return 1 / (1 + np.exp(-values)), np.repeat([0, 1], count)


def test_ratios_are_those_of_the_distributions_within_bounds():
    scores, labels = videos(200, 3)
    fitted = calibrate(scores, labels, NAMES)
    assert fitted.slope * np.log(10) == pytest.approx(3, rel=0.15)
    middle = fitted.log10_lr([0.4, 0.5, 0.6])
    assert middle == pytest.approx(3 * log_odds([0.4, 0.5, 0.6]) / np.log(10), abs=0.1)
    assert fitted.log10_lr([0, 1]).tolist() == [fitted.lower, fitted.upper]
    assert -np.log10(201) <= fitted.lower < -1
    assert 1 < fitted.upper <= np.log10(201)


def test_four_videos_of_a_class_support_next_to_nothing():
    fitted = calibrate(np.array([0, 1e-9, 1e-9, 0.01, 0.99, 1, 1, 1]), np.repeat([0, 1], 4), NAMES[:8])
    assert 10**fitted.upper < 5
    assert 10**-fitted.lower < 5
    assert fitted.to_dict()["videos"] == {"real": 4, "fake": 4}


def test_several_videos_of_one_person_count_once():
    scores, labels = videos(40, 6)
    once, often = calibrate(scores, labels, NAMES[:80]), calibrate(scores, labels, [str(k % 10) for k in range(80)])
    assert often.people == (10, 10)
    assert often.upper <= np.log10(11) < once.upper


def test_a_detector_that_is_upside_down_says_nothing():
    scores, labels = videos(30, 3)
    fitted = calibrate(scores, 1 - labels, NAMES[:60])
    assert fitted.log10_lr([0, 0.5, 1]).tolist() == [0, 0, 0]


def test_one_class_cannot_be_calibrated():
    with pytest.raises(ValueError, match="validation videos must be of both classes; got 2 real and 0 fake"):
        calibrate(np.array([0.1, 0.2]), np.zeros(2, int), NAMES[:2])
