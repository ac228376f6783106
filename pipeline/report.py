"""Figures and the page.

report TABLES EVALUATIONS ROC EXAMPLES ROBUSTNESS INVENTORY FACES CROPS REPORT FIGURES
"""

from pathlib import Path

from deepfake_adv.params.load import load_params
from deepfake_adv.reporting.measured import own_corpora
from deepfake_adv.reporting.page import write_report
from deepfake_adv.reporting.shown.base import Inputs
from deepfake_adv.stage import run_stage


def main(
    tables: Path,
    evaluations: Path,
    roc: Path,
    examples: Path,
    robustness: Path,
    inventory: Path,
    faces: Path,
    crops: Path,
    report: Path,
    figures: Path,
) -> None:
    """Draw the figures and write the page."""
    params = load_params("report", "runs", "datasets", "corpus", "tables", "evaluate")
    write_report(
        Inputs(tables, evaluations, roc, examples, robustness, inventory, faces, crops),
        report,
        figures,
        title=params.report.title,
        dpi=params.report.dpi,
        runs={name: (run.method, run.detector) for name, run in params.runs.items()},
        baseline=params.tables.baseline,
        confidence=params.evaluate.confidence,
        own_corpus=own_corpora(params.corpus.source, {name: data.root for name, data in params.datasets.items()}),
    )


if __name__ == "__main__":
    run_stage("report", main)
