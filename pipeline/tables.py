"""The paper's tables from this project's runs: tables EVALUATIONS PAPER TABLES [ATTACKS]."""

from pathlib import Path

from deepfake_adv.params.load import load_params
from deepfake_adv.reporting.measured import own_corpora
from deepfake_adv.reporting.specs import printed_names
from deepfake_adv.reporting.write_tables import build_tables, write_levels, write_tables
from deepfake_adv.stage import run_stage


def main(evaluations: Path, paper: Path, folder: Path, attacks: Path | None = None) -> None:
    """Read the evaluations, fill the tables, write them."""
    params = load_params("tables", "runs", "datasets", "corpus", "evaluate", "detectors")
    runs = {name: (run.method, run.detector) for name, run in params.runs.items()}
    tables = build_tables(
        evaluations,
        attacks,
        paper,
        runs=runs,
        roles=params.tables.roles,
        baseline=params.tables.baseline,
        confidence=params.evaluate.confidence,
        names=printed_names(
            params.tables.roles, {name: entry.model_dump() for name, entry in params.detectors.items()}
        ),
        own_corpus=own_corpora(params.corpus.source, {name: data.root for name, data in params.datasets.items()}),
    )
    write_tables(tables, folder)
    write_levels(evaluations, runs, folder)


if __name__ == "__main__":
    run_stage("tables", main)
