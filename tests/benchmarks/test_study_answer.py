"""What pages say of the study is what its committed results say."""

from pathlib import Path

from benchmarks.study.answer import PAGE, claims_table
from deepfake_adv.params.load import load_params

ROOT = Path(__file__).parents[2]


def test_pages_quote_the_committed_results():
    table = claims_table(load_params(path=ROOT / "profiles/study.yaml"), ROOT / "reports/study")
    rows = {cells[0]: cells for cells in table.rows({})}
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    for cells in rows.values():
        assert f"| {' | '.join(cells)} |\n" in page, "run: make study-report"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"AUC\nof a pretrained detector by {rows['C1'][4]} points" in readme
