"""The tables by the names in the pages' comments."""

from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.page import data, training, use
from benchmarks.page.table import Results, Row, Table


def _table(files: Sequence[str], rows: Callable[[Results], Sequence[Row]]) -> Table:
    return Table(files, ("what", "measured", "aim"), lambda results: [row.cells() for row in rows(results)])


TABLES: Final = {
    "blur": _table(("blur-cpu-1", "blur-cpu-2"), training.blur),
    "step": _table(("step-cpu", "step-bf16", "step-compiled"), training.step),
    "train": _table(("train-cpu-2", "train-cpu-1"), training.train),
    "faces": _table(("preprocess-real", "preprocess-rendered", "engines"), data.faces),
    "tracks": _table(("tracks-real", "tracks-unseen", "tracks-rendered"), data.tracks),
    "reading": _table(("shards", "draws"), data.reading),
    "growth": _table(("scale", "dvc"), data.growth),
    "evaluate": _table(("evaluate", "studies"), use.evaluate),
    "demo": _table(("build",), use.demo),
    "predict": _table(("predict",), use.predict),
    "soak": _table(("soak",), use.soak),
    "plan": _table(("plan", "rehearsal"), use.plan),
    "coverage": Table(
        ("coverage",), ("corpus", "trainings", "drawn", "AUC", "difference of two detectors"), use.coverage
    ),
}
