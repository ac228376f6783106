"""Metrics of one run: evaluate RUN SCORES RUN_FOLDER METRICS EVALUATION ROC CONFUSION [--KEY VALUE ...]."""

from pathlib import Path

from deepfake_adv.evaluation import outputs
from deepfake_adv.evaluation.run import Settings, evaluate
from deepfake_adv.evaluation.scores import all_test_sets, read_scores
from deepfake_adv.evaluation.support import read_supports
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage


def main(
    run: str, scores: Path, folder: Path, metrics: Path, evaluation: Path, roc: Path, confusion: Path, **section: str
) -> None:
    """Read the scores, compute the metrics, write them."""
    params = load_params("evaluate", given=section).evaluate
    settings = Settings(params.resamples, params.confidence, params.seed)
    supports = read_supports(folder, params.false_positive_rate, params.confidence)
    measured = list(evaluate(all_test_sets(read_scores(scores)), settings, supports))
    outputs.write_metrics(metrics, measured)
    outputs.write_evaluation(evaluation, run, measured, outputs.provenance(scores, folder, settings, supports))
    outputs.write_roc(roc, measured)
    outputs.write_confusion(confusion, measured)


if __name__ == "__main__":
    run_stage("evaluate", main, words=1)
