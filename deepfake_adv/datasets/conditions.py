"""Which rows of a table a condition takes: its fakes, and the reals of the same datasets and qualities."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from deepfake_adv.names import ALL_FORGERIES, REAL, Condition
from deepfake_adv.parquet import distinct


def rows_of_condition(columns: pa.Table, condition: Condition) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the fakes of a condition, and the reals of the same datasets and qualities.

    Args:
        columns: With dataset, quality and forgery, of crops or of videos.
        condition: The condition.

    Returns:
        Two masks ``(N,)``: fakes and reals.
    """
    forgery, quality, dataset = (columns[name] for name in ("forgery", "quality", "dataset"))
    wanted = pa.array(condition.forgeries())
    fakes = pc.is_in(forgery, value_set=wanted)
    if condition.forgery != ALL_FORGERIES:  # a dataset may be named in place of a forgery
        fakes = pc.or_(fakes, pc.and_(pc.is_in(dataset, value_set=wanted), pc.not_equal(forgery, REAL)))
    qualities = condition.qualities()
    if qualities is not None:
        fakes = pc.and_(fakes, pc.is_in(quality, value_set=pa.array(qualities)))
    reals = np.zeros(len(columns), bool)
    for name, tier in distinct(columns.select(["dataset", "quality"]).filter(fakes), "dataset", "quality"):
        same = pc.and_(pc.equal(dataset, name), pc.equal(quality, tier))
        reals |= np.asarray(pc.and_(same, pc.equal(forgery, REAL)))
    return np.asarray(fakes, bool), reals
