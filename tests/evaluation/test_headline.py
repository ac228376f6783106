import pytest

from deepfake_adv.evaluation.headline import headline


def entry(train, test, auc, *, dataset="corpus", video=None, acc=0.5):
    levels = {"frame": auc, "video": auc if video is None else video}
    values = {level: {"auc": {"value": value}, "acc": {"value": acc}} for level, value in levels.items()}
    return {"train": train, "test": test, "dataset": dataset, **values}


HOME = entry("NT_c23", "NT_c23", 0.99, video=1.0)
ELSEWHERE = [
    entry("NT_c23", "DF_c23", 0.8),
    entry("NT_c23", "FS_c23", 0.6),
    entry("NT_c23", "NT_c40", 0.7),
    entry("NT_c23", "NT_raw", 0.9),
    entry("NT_c23", "DFD_c23", 0.65, dataset="dfd"),
    entry("NT_c23", "CelebDF_native", 0.55, dataset="celeb"),
]
POOLED = [
    entry("NT_c23", "FF_c23", 0.1),
    entry("NT_c23", "NT_all", 0.1),
    entry("NT_c23", "DF_c40", 0.1),  # neither its forgery nor its quality: in no mean
]


def test_each_mean_is_of_its_conditions_alone():
    found = headline([HOME, *ELSEWHERE, *POOLED])
    unseen = {"unseen_forgeries": 70.0, "unseen_qualities": 80.0, "unseen_datasets": 60.0}
    assert found == {"frame": {"home": 99.0, **unseen}, "video": {"home": 100.0, **unseen}}


def test_a_run_of_several_conditions_has_one_row():
    other = [entry("NT_raw", "NT_raw", 0.95), entry("NT_raw", "DF_raw", 0.5), entry("NT_raw", "NT_c23", 0.9)]
    found = headline([HOME, *ELSEWHERE, *other])["frame"]
    assert found == {"home": 97.0, "unseen_forgeries": 60.0, "unseen_qualities": 85.0, "unseen_datasets": 60.0}


def test_trained_on_all_there_is_nothing_unseen_at_home():
    found = headline([entry("FF_all", "FF_all", 0.9), entry("FF_all", "DF_c23", 0.8), entry("FF_all", "NT_raw", 0.7)])
    assert found["frame"] == {"home": 90.0}


def test_what_is_undefined_counts_nowhere():
    found = headline([HOME, entry("NT_c23", "DF_c23", None), entry("NT_c23", "real_c40", None)])
    assert found["frame"] == {"home": 99.0}


def test_where_no_auc_is_defined_there_is_the_accuracy():
    assert headline([entry("NT_c23", "real_native", None, dataset="wild", acc=0.75)]) == {
        "frame": {"accuracy": 75.0}, "video": {"accuracy": 75.0}
    }  # fmt: skip


@pytest.mark.parametrize("count", [1, 40])
def test_a_row_has_at_most_eight_numbers(count):
    many = [entry("NT_c23", "DF_c23", 0.5, dataset=f"d{number}") for number in range(count)]
    assert sum(map(len, headline([HOME, *ELSEWHERE, *POOLED, *many]).values())) == 8
