"""Training curves of every run and seed, in the same groups as the ROC curves."""

from collections.abc import Iterator
from typing import Final

from deepfake_adv.reporting.evidence import trainings
from deepfake_adv.reporting.figures.curves import draw_training
from deepfake_adv.reporting.shown.base import LINES, FigureKind, Shown, Work, groups, numbered


def _draw(work: Work) -> Iterator[Shown]:
    drawn = 0
    logs = trainings(work.evaluations)
    for train, shown in groups(work):
        chosen = [name for name in logs if name.split(" ")[:2] in [[run, train] for run in shown]]
        for start in range(0, len(chosen), LINES):
            name = numbered("training", drawn)
            lines = {each: logs[each] for each in chosen[start : start + LINES]}
            if draw_training(lines, work.folder, dpi=work.dpi, name=name):
                drawn += 1
                yield Shown(
                    name,
                    f"Training {work.detectors[shown[0]]} on {train}: loss, validation AUC and learning rate by epoch. "
                    "Losses of different methods have different terms and are not comparable.",
                )


FIGURE: Final = FigureKind("curves", _draw, more="Training curves of other runs and trainings")
