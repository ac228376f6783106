"""What is drawn: pairs, groups, identities or videos, and whether intervals then cover what they should."""

import numpy as np
import pytest

from deepfake_adv.evaluation.bootstrap import Sample, interval, replicate
from deepfake_adv.evaluation.metrics import auc, curve
from deepfake_adv.evaluation.paired import bootstrap_difference
from deepfake_adv.evaluation.replicates import over_seeds
from deepfake_adv.evaluation.units import GROUPS, IDENTITIES, PAIRS, VIDEOS, find_units


def units_of(rows, dataset="d"):
    """Rows are (video, forgery, target, source)."""
    return find_units(dataset, *map(list, zip(*rows, strict=True)))


def swapped(pairs, forgeries=("NT", "DF")):
    """As in FaceForensics++."""
    rows = []
    for k in range(pairs):
        i, j = f"{2 * k:03d}", f"{2 * k + 1:03d}"
        rows += [(f"real/{name}", "real", name, "") for name in (i, j)]
        rows += [(f"{forgery}/{a}_{b}", forgery, a, b) for forgery in forgeries for a, b in ((i, j), (j, i))]
    return rows


def everyone(people, scenes=2):
    """As in DFD: everyone's face on everyone's scenes."""
    names = [f"{k:02d}" for k in range(people)]
    rows = [(f"real/{a}__s{s}", "real", f"{a}__s{s}", "") for a in names for s in range(scenes)]
    return rows + [
        (f"DFD/{a}_{b}__s{s}__X", "DFD", f"{a}__s{s}", b) for a in names for b in names if a != b for s in range(scenes)
    ]


def test_pairs_are_drawn_as_a_whole():
    units = units_of(swapped(5))
    assert (units.kind, units.count()) == (PAIRS, 5)
    drawn = units.draw(40, seed=0)
    assert drawn.shape == (40, 30)
    by_pair = drawn.reshape(40, 5, 6)
    assert (by_pair == by_pair[:, :, :1]).all()
    assert (by_pair[:, :, 0].sum(1) == 5).all()
    assert (drawn != drawn[:1]).any()


def test_draws_do_not_depend_on_which_forgeries_are_there():
    whole, part = swapped(6), [row for row in swapped(6) if row[1] != "DF"]
    kept = [k for k, row in enumerate(whole) if row[1] != "DF"]
    assert (units_of(whole).draw(20, 3)[:, kept] == units_of(part).draw(20, 3)).all()
    assert units_of(whole).take(np.array(kept)).described() == units_of(part).described()


def test_where_all_meet_all_identities_are_drawn_and_a_fake_counts_as_often_as_both():
    rows = everyone(7)
    units = units_of(rows)
    assert (units.kind, units.count()) == (IDENTITIES, 7)
    drawn = units.draw(50, seed=1)
    place = {row[0]: k for k, row in enumerate(rows)}
    times = {f"{k:02d}": drawn[:, place[f"real/{k:02d}__s0"]] for k in range(7)}
    assert (sum(times.values()) == 7).all()
    assert (times["03"] == drawn[:, place["real/03__s1"]]).all()
    assert (drawn[:, place["DFD/03_05__s1__X"]] == times["03"] * times["05"]).all()


def test_a_person_on_himself_counts_once():
    rows = [*everyone(5), ("DFD/00_00__s0__X", "DFD", "00__s0", "00")]
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
        swapped(4, ["NT"]),  # too few pairs
        everyone(4, 1),
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


def simulated(rng, rows, *, of_person=1.0, of_video=0.5, shift=0.0):
    """Scores of one frame a video, with an effect of target and source, that target and fake share."""
    people = sorted({name.split("__")[0] for row in rows for name in row[2:] if name})
    effect = dict(zip(people, rng.normal(0, of_person, len(people)), strict=True)) | {"": 0.0}
    fake = np.array([row[1] != "real" for row in rows])
    level = np.array([effect[row[2].split("__")[0]] + effect[row[3]] for row in rows])
    return level + rng.normal(shift * fake, of_video), fake.astype(np.int64)


def covered(rows, truth, trials, *, seed, known=True):
    """Share of trials in which the interval of the AUC holds the true value; mean width."""
    rng = np.random.default_rng(seed)
    told = rows if known else [(video, forgery, "", "") for video, forgery, *_ in rows]
    units, hits, widths = units_of(told), 0, []
    for trial in range(trials):
        scores, labels = simulated(rng, rows, shift=1.5)
        found = replicate(Sample(scores, labels, np.arange(len(rows))), units.draw(200, trial))["auc"]
        low, high = interval(found, 0.95, units.count())
        hits += low <= truth <= high
        widths.append(high - low)
    return hits / trials, float(np.mean(widths))


@pytest.mark.parametrize(
    ("rows", "trials", "least"),
    [(swapped(12, ["NT"]), 150, 0.9), (everyone(12, 1), 40, 0.8)],
    ids=["pairs", "identities"],
)
def test_intervals_cover_the_truth_about_as_often_as_they_say(rows, trials, least):
    share, width = covered(rows, expected(rows), trials, seed=5)
    assert least <= share
    assert width < 0.33


def test_where_one_identity_is_in_many_fakes_intervals_over_videos_are_too_narrow():
    known, unknown = (covered(everyone(10, 1), 0, 20, seed=6, known=known)[1] for known in (True, False))
    assert known > 1.15 * unknown


def test_paired_differences_of_pairs_are_narrower_than_of_videos():
    """Where what two detectors differ in is a matter of the pair, such as its scene."""
    rng = np.random.default_rng(8)
    rows = swapped(24, ["NT"])
    labels = np.array([row[1] != "real" for row in rows]).astype(np.int64)
    of_pair = np.repeat(rng.normal(0, 1, 24), 4)
    samples = [
        Sample(labels + weight * of_pair + rng.normal(0, 0.4, len(rows)), labels, np.arange(len(rows)))
        for weight in (0.4, 1.2)
    ]
    widths = []
    for told in (rows, [(video, forgery, "", "") for video, forgery, *_ in rows]):
        units = units_of(told)
        drawn = units.draw(1000, 0)
        one, other = (replicate(sample, drawn)["auc"] for sample in samples)
        found = bootstrap_difference(0, one, other, 0.95, units.count())
        widths.append(found.high - found.low)
    assert widths[0] < 0.93 * widths[1]


def test_intervals_over_seeds_and_pairs_cover_the_truth():
    """Three trainings, each with an offset of its own, on the same twelve pairs."""
    rows, rng, hits = swapped(12, ["NT"]), np.random.default_rng(9), 0
    units = units_of(rows)
    truth = np.mean([expected(rows, shift=shift, n=60) for shift in rng.normal(1.5, 0.5, 12)])
    for trial in range(60):
        level, labels = simulated(rng, rows, of_video=0.0, shift=0.0)
        per_seed = []
        for shift in rng.normal(1.5, 0.5, 3):
            scores = level + rng.normal(shift * labels, 0.5)
            per_seed.append(replicate(Sample(scores, labels, np.arange(len(rows))), units.draw(200, trial))["auc"])
        low, high = interval(over_seeds(per_seed, trial), 0.95, units.count())
        hits += low <= truth <= high
    assert hits >= 51


def expected(rows, shift=1.5, n=300):
    """Mean of the AUC over corpora."""
    rng = np.random.default_rng(99)
    return np.mean([auc(curve(*simulated(rng, rows, shift=shift))) for _ in range(n)])
