"""What is drawn: pairs, groups, identities or videos, and whether intervals then cover what they should."""

import numpy as np
import pytest

from benchmarks.coverage import Model, coverage, everyone, swapped, units_of, unknown
from deepfake_adv.evaluation.units import GROUPS, IDENTITIES, PAIRS, VIDEOS


def test_pairs_are_drawn_as_a_whole():
    units = units_of(swapped(5, ("NT", "DF")))
    assert (units.kind, units.count()) == (PAIRS, 5)
    drawn = units.draw(40, seed=0)
    assert drawn.shape == (40, 30)
    by_pair = drawn.reshape(40, 5, 6)
    assert (by_pair == by_pair[:, :, :1]).all()
    assert (by_pair[:, :, 0].sum(1) == 5).all()
    assert (drawn != drawn[:1]).any()


def test_draws_do_not_depend_on_which_forgeries_are_there():
    whole = swapped(6, ("NT", "DF"))
    part = [row for row in whole if row[1] != "DF"]
    kept = [k for k, row in enumerate(whole) if row[1] != "DF"]
    assert (units_of(whole).draw(20, 3)[:, kept] == units_of(part).draw(20, 3)).all()
    assert units_of(whole).take(np.array(kept)).described() == units_of(part).described()


def test_where_all_meet_all_identities_are_drawn_and_a_fake_counts_as_often_as_both():
    rows = everyone(7, scenes=2)
    units = units_of(rows)
    assert (units.kind, units.count()) == (IDENTITIES, 7)
    drawn = units.draw(50, seed=1)
    place = {row[0]: k for k, row in enumerate(rows)}
    times = {f"{k:02d}": drawn[:, place[f"real/{k:02d}__s0"]] for k in range(7)}
    assert (sum(times.values()) == 7).all()
    assert (times["03"] == drawn[:, place["real/03__s1"]]).all()
    assert (drawn[:, place["DFD/03_05__s1__X"]] == times["03"] * times["05"]).all()


def test_a_person_on_himself_counts_once():
    rows = [*everyone(5, scenes=2), ("DFD/00_00__s0__X", "DFD", "00__s0", "00")]
    drawn = units_of(rows).draw(30, 0)
    assert (drawn[:, -1] == drawn[:, 0]).all()


def test_small_groups_are_drawn_whole_and_large_ones_are_not():
    chain = [(f"DF/{g}{k}", "DF", f"{g}{k}", f"{g}{k + 1}") for g in range(10) for k in range(2)]
    assert (units_of(chain).kind, units_of(chain).count()) == (GROUPS, 10)  # of three identities each
    assert units_of(chain[:16]).kind == IDENTITIES  # a group holds more than a tenth


def test_fakes_of_one_original_are_drawn_with_it():
    rows = [("real/a", "real", "a", ""), ("DFDC/x", "DFDC", "a", ""), ("DFDC/y", "DFDC", "a", "")]
    rows += [(f"real/{name}", "real", name, "") for name in "bcde"]
    units = units_of(rows)
    assert (units.kind, units.count()) == (IDENTITIES, 5)
    drawn = units.draw(30, 0)
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 1] == drawn[:, 2]).all()
    assert set(units.strata) == {"d/fake", "d/real"}


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "real", "", ""), ("b", "NT", "", ""), ("c", "NT", "", "")],  # nothing is known
        [("a", "real", "a", ""), ("b", "NT", "b", ""), ("c", "NT", "c", "")],  # no one returns
        swapped(4),  # too few pairs
        everyone(4),
    ],
)
def test_videos_are_drawn_within_their_forgery_where_identities_do_not_help(rows):
    units = units_of(rows)
    assert (units.kind, units.count()) == (VIDEOS, len(rows))
    drawn = units.draw(50, 0)
    forgeries = np.array([row[1] for row in rows])
    for forgery in set(forgeries):
        assert (drawn[:, forgeries == forgery].sum(1) == (forgeries == forgery).sum()).all()


def test_a_video_that_is_named_like_an_identity_is_not_its():
    rows = [("x", "real", "", ""), ("b", "NT", "x", "y"), ("c", "NT", "z", "x"), ("d", "NT", "v", "w")]
    assert units_of(rows).kind == IDENTITIES
    drawn = units_of(rows).draw(60, 0)
    assert (drawn[:, 0] == 1).all()  # the only real that is in no fake


@pytest.mark.parametrize(
    ("rows", "trainings", "trials", "least"),
    [(swapped(12), 1, 80, 0.9), (swapped(12), 3, 40, 0.86), (everyone(12), 1, 30, 0.8)],
    ids=["pairs", "pairs and trainings", "identities"],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(rows, trainings, trials, least):
    found = coverage(rows, rows, trainings=trainings, trials=trials, resamples=200)
    for name in ("auc", "difference"):
        assert found[name]["covered"] >= least
        assert found[name]["width"] < 0.4


def test_where_one_identity_is_in_many_fakes_intervals_over_videos_are_too_narrow():
    rows = everyone(10)
    known, alone = (coverage(rows, told, trials=20, resamples=200)["auc"]["width"] for told in (rows, unknown(rows)))
    assert known > 1.1 * alone


def test_what_a_pair_shares_cancels_so_that_paired_differences_are_narrower_than_of_videos():
    rows, model = swapped(24), Model(person=0.2, own=1.0, noise=0.1)
    pairs, alone = (
        coverage(rows, told, trials=20, resamples=200, model=model)["difference"]["width"]
        for told in (rows, unknown(rows))
    )
    assert pairs < alone
