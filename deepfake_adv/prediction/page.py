"""The page of a batch: one self-contained HTML file, sorted by evidence; it loads nothing and runs no script."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from deepfake_adv.files import write_text
from deepfake_adv.log import progress
from deepfake_adv.prediction import timeline
from deepfake_adv.prediction.exhibits import PEOPLE, Exhibits, gather, ranked_people
from deepfake_adv.prediction.output import SCORED, readable
from deepfake_adv.prediction.settings import FaceSettings
from deepfake_adv.training.trained import Trained

logger = logging.getLogger(__name__)

PICTURED: Final = 200
"""Files of a page that have pictures; a page of more would be too large to open."""

_HERE: Final = Path(__file__).parent / "template"

Row = Mapping[str, Any]


def write_page(
    page: Path,
    rows: Sequence[Row],
    trained: Trained,
    settings: FaceSettings,
    *,
    title: str = "Deepfake forensics",
    quiet: bool = False,
) -> None:
    """Write the page of a batch.

    Args:
        page: The file to write.
        rows: All rows of `predict_all`, failures too.
        trained: The detector that scored them.
        settings: How faces were found and cut.
        title: Of the page.
        quiet: Show no progress.
    """
    scored = sum(row["status"] == SCORED for row in rows)
    entries = progress(file_entries(rows, trained, settings), total=scored, desc="report", unit="files", silent=quiet)
    write_text(page, render(list(entries), [row for row in rows if row["status"] != SCORED], rows, title=title))


def by_evidence(rows: Sequence[Row]) -> list[Row]:
    """The scored rows, the strongest evidence for a forgery first; of equal evidence by score, then by path.

    The evidence is the likelihood ratio, or the score where the run supports none.
    """

    def key(row: Row) -> tuple[float, float, str]:
        ratio = (row.get("evidence") or {}).get("log10_lr")
        return -ratio if ratio is not None else 0.0, -row["score"], row["path"]

    return sorted((row for row in rows if row["status"] == SCORED), key=key)


def ratio_text(evidence: Row | None) -> str:
    """A likelihood ratio as a reader says it: 12, or 1/12; empty where there is none."""
    if evidence is None or evidence["log10_lr"] is None:
        return ""
    size = f"{10 ** abs(evidence['log10_lr']):.2g}"
    size = f"{float(size):,.0f}" if float(size) >= 10 else size
    return size if evidence["log10_lr"] >= 0 or size == "1" else f"1/{size}"


def file_entries(
    rows: Sequence[Row],
    trained: Trained,
    settings: FaceSettings,
    *,
    places: Mapping[str, Path] | None = None,
) -> Iterator[dict[str, Any]]:
    """What the page shows of each scored file, in the page's order.

    Args:
        rows: See `write_page`.
        trained: See `write_page`.
        settings: See `write_page`.
        places: Where a row's file is, if it is not at the row's path.
    """
    for number, row in enumerate(by_evidence(rows)):
        path = (places or {}).get(row["path"], Path(row["path"]))
        shown = gather(row, path, trained, settings) if number < PICTURED else Exhibits(problem=_TOO_MANY)
        yield _entry(row, timeline.read_clock(path, row), shown)


_TOO_MANY: Final = f"Only the first {PICTURED} files of a page have pictures."


def _entry(row: Row, clock: timeline.Clock, shown: Exhibits) -> dict[str, Any]:
    people = []
    for number in ranked_people(row):
        one = row["people"][number]
        marks = timeline.marks_of(one["frames"], clock)
        faces = [
            {"when": clock.label(face.frame), "score": face.score, "picture": face.picture, "heat": face.heat}
            for face in (shown.faces or {}).get(number, ())
        ]
        people.append(
            {
                "number": number + 1,
                "row": one,
                "marks": marks,
                "line": timeline.line_of(marks),
                "first": clock.label(one["frames"][0]["frame"]),
                "last": clock.label(one["frames"][-1]["frame"]),
                "found": sum(frame["detected"] for frame in one["frames"]),
                "faces": faces,
            }
        )
    left_out = [{"number": k + 1, **one} for k, one in enumerate(row["people"]) if one["score"] is None]
    return {
        "row": {"evidence": None, "warnings": [], **row},
        "name": readable(Path(row["path"]).name),
        "path": readable(row["path"]),
        "people": people,
        "left_out": left_out,
        "view": shown.view,
        "heat": shown.heat,
        "problem": readable(shown.problem),
        "start": clock.label(0),
        "end": clock.label(clock.last if clock.times is None else len(clock.times) - 1),
    }


def render(entries: Sequence[Mapping[str, Any]], failed: Sequence[Row], rows: Sequence[Row], *, title: str) -> str:
    """The page as text.

    Args:
        entries: Of `file_entries`.
        failed: Rows of files that have no score.
        rows: All rows; the first says which detector made them.
        title: Of the page.
    """
    common = common_warnings(entries)
    entries = [{**entry, "own": [text for text in entry["row"]["warnings"] if text not in common]} for entry in entries]
    made = rows[0]["provenance"] if rows else {"detector": {}, "code": "", "version": "", "params": {}}
    environment = Environment(
        loader=FileSystemLoader(_HERE), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    failures = [{"path": readable(row["path"]), "error": readable(row["error"] or ""), "row": row} for row in failed]
    return environment.get_template("files.jinja").render(
        title=title,
        style=Markup((_HERE / "files.css").read_text(encoding="utf-8")),
        entries=entries,
        failed=failures,
        made=made,
        basis=next((entry["row"]["basis"] for entry in entries if entry["row"].get("basis")), None),
        ratio=ratio_text,
        common=common,
        params=json.dumps(made["params"], indent=1, sort_keys=True),
        pictured=PEOPLE,
    )


def common_warnings(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Warnings that every file of a batch has: they are said once, at the top."""
    texts = [entry["row"]["warnings"] for entry in entries]
    return [text for text in (texts[0] if texts else ()) if len(texts) > 1 and all(text in other for other in texts)]
