"""What `dvc plots show` draws: one panel per training and test condition, the runs in it over each other.

The files that it reads are `curve_files.py`'s; the template .dvc/plots/roc.json gives each run a colour.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from deepfake_adv.evaluation.scores import conditions
from deepfake_adv.files import write_text
from deepfake_adv.names import ALL_FORGERIES, Condition, Quality

CURVES: Final = "curves"
"""Folder of the panels' files, in that of the report's figures."""
_CURVES: Final = f"../figures/{CURVES}"
_HEAD: Final = """\
# Written by the stage `inputs` from the runs and parts of params.yaml, for `dvc plots show` and `dvc plots diff`.
"""


def write_plots(
    path: Path,
    runs: Mapping[str, tuple[Sequence[str], Sequence[str] | None]],
    datasets: Mapping[str, tuple[Sequence[str], Sequence[str]]],
) -> None:
    """Write the definitions, where they differ from what is there.

    Args:
        path: A dvc.yaml of its own, which DVC finds by its name, in reports/<folder>.
        runs: Run -> the conditions that it trains on, and those that it is tested on; None: all.
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
    runs: Mapping[str, tuple[Sequence[str], Sequence[str] | None]],
    datasets: Mapping[str, tuple[Sequence[str], Sequence[str]]],
) -> Iterable[dict[str, Any]]:
    """One ROC panel per training condition and test that `belongs` and that a run is tested on."""
    for train in dict.fromkeys(condition for trained, _ in runs.values() for condition in trained):
        tested = [tests for trained, tests in runs.values() if train in trained]
        for dataset, (forgeries, qualities) in datasets.items():
            for test in conditions(list(forgeries), list(qualities)):
                if not belongs(Condition.parse(train), test):
                    continue
                if not any(tests is None or str(test) in tests for tests in tested):
                    continue
                name = panel_name(Condition.parse(train), dataset, test)
                yield {
                    f"roc_{name}": {
                        "title": f"ROC, frame level: trained on {train}, tested on {test} of {dataset}",
                        "template": "roc",
                        "x": "fpr",
                        "y": {f"{_CURVES}/{name}.csv": "tpr"},
                        "x_label": "false positive rate",
                        "y_label": "true positive rate",
                    }
                }


def panel_name(train: Condition, dataset: str, test: Condition) -> str:
    """A panel's name, which is that of its column in a run's ROC file."""
    return f"{train}_to_{dataset}_{test}"


def belongs(train: Condition, test: Condition) -> bool:
    """Whether a test is drawn: each forgery at the training's quality, and the training's forgery at each quality."""
    if test.forgery == train.forgery:
        return True
    return test.forgery != ALL_FORGERIES and test.quality in (train.quality, Quality.NATIVE)
