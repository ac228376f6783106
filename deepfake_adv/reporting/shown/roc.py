"""ROC curves of every run, up to `LINES` of one detector and training condition in a figure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from deepfake_adv.names import ALL_FORGERIES, Condition, Quality
from deepfake_adv.reporting.figures.curves import draw_roc, read_csv
from deepfake_adv.reporting.shown.base import FigureKind, Shown, Work, groups, numbered


def _draw(work: Work) -> Iterator[Shown]:
    drawn = 0
    for train, shown in groups(work):
        curves = {run: read_csv(path) for run in shown if (path := work.inputs.roc / f"{run}.csv").exists()}
        columns = roc_columns([entry for run in shown for entry in work.evaluations[run]["results"]], train)
        name = numbered("roc", drawn)
        if draw_roc(curves, columns, work.folder, dpi=work.dpi, name=name):
            drawn += 1
            yield Shown(
                name,
                f"ROC curves of {work.detectors[shown[0]]} trained on {train}, frame level, tested on each forgery at "
                "the training’s quality; the root scale widens the low rates of false positives. All other tests are "
                "in reports/roc.",
            )


def roc_columns(entries: Iterable[Mapping[str, Any]], train: str) -> list[str]:
    """Columns ``<train>_to_<dataset>_<test>`` of ROC files for the tests of one forgery at the training quality.

    A training condition of all forgeries, or of all qualities, has its own test, which is pooled too.
    """
    known = Condition.parse(train)
    columns: dict[str, None] = {}
    for entry in entries:
        test = Condition.parse(entry["test"], real=True)
        single = test.quality in (known.quality, Quality.NATIVE) and test.forgery != ALL_FORGERIES
        if entry["train"] == train and (single or test == known):
            columns[f"{train}_to_{entry['dataset']}_{test}"] = None
    return list(columns)


FIGURE: Final = FigureKind("curves", _draw, more="ROC curves of other runs and trainings")
