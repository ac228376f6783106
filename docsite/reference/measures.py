"""The page on metrics, and on the keys of the JSON files that ``evaluate`` writes."""

from typing import Final

from deepfake_adv.evaluation import metrics
from deepfake_adv.evaluation.headline import GROUPS, headline
from deepfake_adv.evaluation.run import LEVELS
from docsite.reference.markdown import code, first_paragraph, prose, table

FUNCTIONS: Final = {
    "auc": ("area under the ROC curve", metrics.auc),
    "acc": ("accuracy", metrics.accuracy),
    "ap": ("average precision", metrics.average_precision),
    "eer": ("equal error rate", metrics.equal_error_rate),
    "tpr": ("true-positive rate", metrics.tpr_at_fpr),
    "fpr": ("false-positive rate", metrics.false_positive_rate),
    "ece": ("calibration error", metrics.calibration_error),
}
"""Key of a metric -> its name, and the function that computes it."""
KEYS: Final = {
    "train": "Condition that the detector was trained on.",
    "test": "Condition that it was tested on.",
    "dataset": "Dataset of the test videos.",
    "seeds": "Seeds of training; every number is a mean over them.",
    "frames": "Scored test frames: `real`, `fake`.",
    "videos": "Scored test videos: `real`, `fake`.",
    "lost_frames": "Test frames without a score.",
    "lost_videos": "Test videos without any score.",
    "drawn": "What the bootstrap draws: `kind` (such as identity pairs) and `count`.",
    "undefined": "Why some metrics have no value; only where a class is missing.",
    "frame": "Metrics of single frames; see above.",
    "video": "Metrics of videos: a video's score is the mean of its frames' scores.",
    "replicates": "Bootstrap replicates of AUC and accuracy of frames, packed, and a fingerprint of the sample: "
    "two runs on one sample are compared in pairs.",
    "ratios": "Likelihood ratios: their cost `cllr`, its lower bound `cllr_min`, points of a plot, and rates at the "
    "chosen threshold; only where validation videos allow them.",
    "confusion": "Counts of frames at the threshold 0.5, fake being positive: `tp`, `fp`, `tn`, `fn`.",
}
"""Key of one entry of `results` -> meaning."""


def page() -> str:
    """Markdown of the page."""
    rows = [
        (code(key), name, "higher" if metrics.HIGHER_IS_BETTER[key] else "lower", prose(first_paragraph(made.__doc__)))
        for key, (name, made) in FUNCTIONS.items()
    ]
    groups = " ".join((headline.__doc__ or "").partition("\n\n")[2].partition("Args:")[0].split())
    return f"""# Metrics

Fake is the positive class. A metric that a test condition does not define, such as AUC without reals, is `null`, never
0 or 0.5. Accuracy and false-positive rate are at the threshold {metrics.THRESHOLD}. The true-positive rate is at a
false-positive rate of at most {metrics.MAX_FPR:.0%}.

{table(["key", "metric", "better", "definition"], rows)}
Each is a mapping of `value`, `low` and `high` (its interval), and of `seeds`, the value of each seed, where there are
several. All are fractions, 0 to 1. `docs/intervals.md` explains the intervals.

## reports/metrics

`reports/metrics/<run>.json` is what `dvc metrics show` and `dvc metrics diff` print. Its keys are
{" and ".join(map(code, LEVELS))}, and in each {", ".join(map(code, GROUPS))}. {prose(groups)}

## reports/evaluation

`reports/evaluation/<run>.json` has everything that was measured: `run`, `format`, `provenance` (scores, settings,
training records with their logs, calibration, versions) and `results`, one entry for each training and test condition:

{table(["key", "meaning"], [(code(key), meaning) for key, meaning in KEYS.items()])}"""
