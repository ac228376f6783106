import numpy as np
import pytest

from deepfake_adv.data.sampler import BalancedSampler, covering_clips, covering_samples, partners


def columns(videos=24, frames=64, group=32, fakes=1):
    """A manifest sorted by video and frame: `videos` reals, `fakes` times as many fakes."""
    count = videos * (1 + fakes)
    video = np.repeat(np.arange(count), frames)
    label = (video >= videos).astype(np.int64)
    frame = np.tile(np.arange(frames), count)
    return label, video, frame, np.arange(len(video)) // group


COLUMNS = columns()


def sampler(*, columns=COLUMNS, **options):
    options = {"batch_size": 32, "steps": 10, "mode": "draws", "seed": 3} | options
    return BalancedSampler(*columns, **options)


@pytest.mark.parametrize("mode", ["draws", "full"])
@pytest.mark.parametrize("clip_length", [1, 3])
def test_batches_are_half_real_half_fake(mode, clip_length):
    labels, videos, _, _ = columns()
    plan = sampler(mode=mode, clip_length=clip_length, steps=1).batches(0)
    assert plan.shape == (1, 32, clip_length)
    assert (labels[plan[:, :16]] == 0).all()
    assert (labels[plan[:, 16:]] == 1).all()
    assert (videos[plan] == videos[plan[..., :1]]).all(), "a clip comes from one video"


def test_plans_depend_on_seed_and_epoch_alone():
    first, again = sampler(), sampler()
    assert (first.batches(2) == again.batches(2)).all()
    assert (first.batches(0) != first.batches(1)).any()
    assert (first.batches(0) != sampler(seed=4).batches(0)).any()


def test_draws_visit_every_video_equally_often_with_random_frames():
    _, videos, frames, _ = columns()
    plan = sampler(steps=72).batches(0)  # 48 visits per video
    counts = np.bincount(videos[plan].ravel())
    assert (counts == 48).all()
    assert len(np.unique(frames[plan])) == 64
    assert abs(frames[plan].mean() - 31.5) < 1.5


def test_a_full_pass_takes_each_crop_of_the_larger_class_once_and_repeats_the_smaller():
    labels, *_ = data = columns(fakes=4)
    plan = sampler(columns=data, mode="full", steps=None, pool=8).batches(0)
    counts = np.bincount(plan.ravel(), minlength=len(labels))
    assert (counts[labels == 1] == 1).all()
    assert (counts[labels == 0] == 4).all()


@pytest.mark.parametrize(("pool", "least"), [(32, 0.8), (64, 0.88)])
def test_pooled_row_groups_mix_nearly_as_well_as_a_full_shuffle(pool, least):
    data = columns(videos=120, frames=256)
    _, videos, _, _ = data

    def distinct(plan):
        return np.mean([len(np.unique(videos[batch])) for batch in plan])

    ideal = np.random.default_rng(0).permutation(videos[: 120 * 256])[: 16 * 400].reshape(400, 16)
    ours = sampler(columns=data, mode="full", steps=400, pool=pool).batches(0)[:, 16:, 0]
    assert distinct(ours) / np.mean([len(np.unique(batch)) for batch in ideal]) >= least


def test_a_pass_keeps_few_row_groups_open():
    data = columns(videos=64, frames=64)
    plan = sampler(columns=data, mode="full", steps=None, pool=16).batches(0)[:, 16:, 0]
    groups = [set(data[3][batch]) for batch in plan]
    window = 2 * 16 * 32 // 16  # batches that two pools fill
    assert max(len(set().union(*groups[i : i + window])) for i in range(len(groups))) <= 3 * 16


def test_clip_frames_come_from_equal_segments_in_order():
    _, _, frames, _ = columns(frames=30)
    plan = sampler(columns=columns(frames=30), clip_length=3, steps=50).batches(0)
    found = frames[plan]
    for segment in range(3):
        assert found[..., segment].min() == 10 * segment
        assert found[..., segment].max() == 10 * segment + 9


def test_a_video_shorter_than_the_clip_repeats_frames():
    labels, videos, frames, groups = columns(frames=2)
    plan = sampler(columns=(labels, videos, frames, groups), clip_length=5, steps=2).batches(0)
    assert (np.diff(frames[plan], axis=-1) >= 0).all()


@pytest.mark.parametrize(("count", "length"), [(20, 3), (9, 3), (2, 5), (7, 1), (100, 8)])
def test_covering_clips_hold_every_frame_and_ascend(count, length):
    clips = covering_clips(count, length)
    assert set(clips.ravel()) == set(range(count))
    assert (np.diff(clips, axis=1) >= 0).all()
    assert len(clips) == -(-count // length)


def test_covering_samples_stay_within_a_video():
    _, videos, frames, _ = columns(videos=3, frames=7)
    samples = covering_samples(videos, frames, np.arange(len(videos)), 3)
    assert set(samples.ravel()) == set(range(len(videos)))
    assert (videos[samples] == videos[samples[:, :1]]).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 31}, "batch_size must be even"),
        ({"steps": None}, "steps_per_epoch must be a number"),
        ({"batch_size": 10000, "mode": "full", "steps": None}, "batch_size must be at most"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises(ValueError, match=words):
        sampler(**options)


def test_one_class_alone_is_refused():
    labels, videos, frames, groups = columns()
    with pytest.raises(ValueError, match="labels must hold both classes"):
        sampler(columns=(np.zeros_like(labels), videos, frames, groups))


def test_pairs_bring_the_real_of_the_same_target_and_moment():
    labels, videos, frames, _ = data = columns(fakes=2)
    targets = videos % 24
    plan = sampler(columns=data, mode="pairs", targets=targets, steps=30).batches(1)
    reals, fakes = plan[:, :16], plan[:, 16:]
    assert (labels[reals] == 0).all()
    assert (labels[fakes] == 1).all()
    assert (targets[reals] == targets[fakes]).all()
    assert (frames[reals] == frames[fakes]).all()
    assert len(np.unique(videos[fakes])) == 48


def test_a_partner_is_the_nearest_frame_and_a_fake_without_one_is_left_out():
    labels = np.array([0, 0, 1, 1, 1])
    found = partners(labels, np.array([0, 10, 4, 8, 3]), np.array([7, 7, 7, 7, 9]))
    assert found.tolist() == [-1, -1, 0, 1, -1]
    with pytest.raises(ValueError, match="sampling must be draws or full"):
        BalancedSampler(
            labels, *(np.arange(5),) * 3, batch_size=2, steps=1, mode="pairs", targets=np.array([0, 0, 1, 1, 1])
        )


def test_partners_are_those_of_every_distance_compared():
    rng = np.random.default_rng(3)
    labels, frames, targets = rng.integers(0, 2, 400), rng.integers(0, 30, 400), rng.integers(0, 25, 400)
    labels[targets == 4] = 1  # no real at all
    labels[targets == 24] = 1
    labels[targets == 0] = 1
    expected = np.full(400, -1)
    for row in np.flatnonzero(labels == 1):
        reals = np.flatnonzero((labels == 0) & (targets == targets[row]))
        if len(reals):
            expected[row] = reals[np.abs(frames[reals] - frames[row]).argmin()]
    np.testing.assert_array_equal(partners(labels, frames, targets), expected)
    np.testing.assert_array_equal(partners(np.ones(3, int), np.arange(3), np.arange(3)), [-1] * 3)
