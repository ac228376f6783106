"""What `dvc plots show` draws: one panel per training and test condition, the methods in it over each other."""

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from deepfake_adv.evaluation.scores import conditions
from deepfake_adv.files import write_text
from deepfake_adv.names import ALL_FORGERIES, Condition, Quality

_ROC: Final = "../roc"
_HEAD: Final = """\
# Written by the stage `inputs` from the runs and parts of params.yaml, for `dvc plots show` and `dvc plots diff`.
"""


def write_plots(
    path: Path,
    runs: Mapping[str, Sequence[str]],
    datasets: Mapping[str, tuple[Sequence[str], Sequence[str]]],
) -> None:
    """Write the definitions, where they differ from what is there.

    Args:
        path: A dvc.yaml of its own, which DVC finds by its name, in reports/<folder>.
        runs: Run -> the conditions that it trains on.
        datasets: Dataset -> its forgeries and its qualities.
    """
    stream = io.StringIO()
    yaml = YAML()
    yaml.width = 1000
    yaml.dump({"plots": list(_definitions(runs, datasets))}, stream)
    text = _HEAD + stream.getvalue()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def _definitions(
    runs: Mapping[str, Sequence[str]], datasets: Mapping[str, tuple[Sequence[str], Sequence[str]]]
) -> Iterable[dict[str, Any]]:
    """One ROC panel per training condition and test that `_belongs`; a run's curve is a column of its ROC file."""
    for train in dict.fromkeys(condition for trained in runs.values() for condition in trained):
        shown = [run for run, trained in runs.items() if train in trained]
        for dataset, (forgeries, qualities) in datasets.items():
            for test in conditions(list(forgeries), list(qualities)):
                if not _belongs(Condition.parse(train), test):
                    continue
                column = f"{train}_to_{dataset}_{test}"
                yield {
                    f"roc_{column}": {
                        "title": f"ROC, frame level: trained on {train}, tested on {test} of {dataset}",
                        "x": "fpr",
                        "y": {f"{_ROC}/{run}.csv": column for run in shown},
                        "x_label": "false positive rate",
                        "y_label": "true positive rate",
                    }
                }


def _belongs(train: Condition, test: Condition) -> bool:
    """Whether a test is drawn: each forgery at the training's quality, and the training's forgery at each quality."""
    if test.forgery == train.forgery:
        return True
    return test.forgery != ALL_FORGERIES and test.quality in (train.quality, Quality.NATIVE)
