"""The transcribed numbers of the paper, against the paper's text, if it is present."""

import re
from collections import Counter
from pathlib import Path

import pytest

from deepfake_adv.files import read_json
from deepfake_adv.reporting.specs import load_specs

PAPER = Path(__file__).parents[2] / "reports/paper"
TEXT = Path(__file__).parents[3] / "shared/seeds/paper.md"
NUMBER = re.compile(r"(<b>)?(\d+\.\d+)%?(</b>)?")
SPECS = {spec.id: spec for spec in load_specs()}
NUMBERED = [spec for spec in SPECS.values() if spec.numbered]


def cells_of(spec):
    return read_json(PAPER / f"{spec.file}.json")["cells"]


def printed(number):
    """Data rows of a table in the text: label and its (value, bold) in order; a dash is None."""
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    start = next(k for k, line in enumerate(lines) if line.strip() == f"TABLE {number}")
    rows = []
    for line in lines[start + 1 :]:
        if "\t" not in line:
            if rows:
                break
            continue
        fields = [field.strip() for field in line.split("\t")]
        hits = [NUMBER.fullmatch(field) for field in fields]
        if any(hits):
            values = [
                (float(hit[2]), bool(hit[1])) if hit else (None, False)
                for hit, field in zip(hits, fields, strict=True)
                if hit or field in ("–", "-")
            ]
            rows.append((fields, values))
    return rows


@pytest.mark.skipif(not TEXT.exists(), reason=f"the paper's text is not at {TEXT}")
@pytest.mark.parametrize("spec", NUMBERED, ids=lambda spec: spec.id)
def test_every_cell_and_its_bold_face_are_as_printed(spec):
    rows = [values for _, values in printed(spec.id)]
    found = [(cell["value"], cell["bold"]) for cell in cells_of(spec)]
    if spec.id == "III":  # printed with the methods across
        rows = [list(pair) for pair in zip(*rows, strict=True)]
    if spec.id in ("XII", "XIII"):  # a first column of settings looks like a number where it is 0.1
        rows = [values[-3:] for values in rows]
    assert found == [value for values in rows for value in values]


@pytest.mark.skipif(not TEXT.exists(), reason=f"the paper's text is not at {TEXT}")
@pytest.mark.parametrize("spec", [s for s in NUMBERED if s.id != "III"], ids=lambda spec: spec.id)
def test_row_labels_are_as_printed(spec):
    names = read_json(PAPER / f"{spec.file}.json")["rows"]
    labels = [re.sub(r"</?i>", "", fields[0]) for fields, _ in printed(spec.id)]
    group = ""
    for (row, name), label, (fields, _) in zip(names.items(), labels, printed(spec.id), strict=True):
        if spec.id in ("XII", "XIII"):
            group = label if len(fields) == 5 and label else group
            assert name == f"{group} / {fields[-4]}"
            assert row.startswith(f"{group}/")
        else:
            assert name == label


@pytest.mark.skipif(not TEXT.exists(), reason=f"the paper's text is not at {TEXT}")
@pytest.mark.parametrize("name", ["C", "TSN"])
def test_numbers_in_the_text_are_as_printed(name):
    text = TEXT.read_text(encoding="utf-8")
    if name == "C":
        start = text.index("three-step FGSM in general")
        part = text[start : text.index("yet further increasing", start)]
    else:
        start = text.index("classification AUC of the TSN baseline")
        part = text[start : text.index("on average AUC", start)]
    expected = Counter(float(hit) for hit in re.findall(r"(\d+\.\d+)%", part))
    assert Counter(cell["value"] for cell in cells_of(SPECS[name])) == expected


@pytest.mark.parametrize("spec", NUMBERED, ids=lambda spec: spec.id)
def test_every_cell_of_a_table_is_there_once(spec):
    found = [(cell["row"], cell["column"], cell["metric"]) for cell in cells_of(spec)]
    assert found == [(row.id, column.id, metric) for row in spec.rows for column, metric in spec.heads()]
    absent = {(column.id, metric) for column in spec.columns for metric in column.absent}
    empty = {(cell["column"], cell["metric"]) for cell in cells_of(spec) if cell["value"] is None}
    assert empty == absent


@pytest.mark.parametrize("spec", NUMBERED, ids=lambda spec: spec.id)
def test_averages_and_bold_maxima_hold_but_for_the_exceptions_listed(spec):
    cells = {(cell["row"], cell["column"], cell["metric"]): cell for cell in cells_of(spec)}
    found = []
    for row in spec.rows:
        for column, metric in spec.heads():
            if column.average:
                values = [cells[row.id, member, metric]["value"] for member in column.average]
                values = [value for value in values if value is not None]
                mean = sum(values) / len(values)
                if abs(cells[row.id, column.id, metric]["value"] - mean) > 0.005 + 1e-9:
                    found.append(("average", row.id, column.id, metric))
    for column, metric in spec.heads() if spec.kind == "detection" else []:
        for detector in dict.fromkeys(row.detector for row in spec.rows):
            group = [cells[row.id, column.id, metric] for row in spec.rows if row.detector == detector]
            best = max((cell["value"] for cell in group if cell["value"] is not None), default=None)
            wrong = [cell for cell in group if cell["value"] is not None and cell["bold"] != (cell["value"] == best)]
            found += [("bold", cell["row"], column.id, metric) for cell in wrong]
    listed = read_json(PAPER / f"{spec.file}.json")["exceptions"]
    assert sorted(found) == sorted((e["kind"], e["row"], e["column"], e["metric"]) for e in listed)


def test_rows_that_two_tables_share_agree():
    for one, other in (("I", "IV"), ("II", "V"), ("VIII", "X"), ("IX", "XI"), ("I", "XV"), ("II", "XVI")):
        values = [{(c["row"], c["column"], c["metric"]): c["value"] for c in cells_of(SPECS[t])} for t in (one, other)]
        both = set(values[0]) & set(values[1])
        assert both
        assert {key: values[0][key] for key in both} == {key: values[1][key] for key in both}
