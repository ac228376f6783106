"""A trained detector on labelled files: `predict` on each, then the metrics of any table of scores."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from deepfake_adv.evaluation.foreign import as_text, evaluate_table
from deepfake_adv.evaluation.run import Settings
from deepfake_adv.evaluation.score_table import read_score_table
from deepfake_adv.files import write_csv, write_json, write_text
from deepfake_adv.names import FAKE_LABEL
from deepfake_adv.prediction.batch import BatchOptions, predict_all
from deepfake_adv.prediction.labelled import LabelledFile
from deepfake_adv.prediction.output import SCORED, one_line, readable, write_parquet
from deepfake_adv.prediction.settings import FaceSettings
from deepfake_adv.reporting.render.grids import load_template
from deepfake_adv.training.trained import Trained

logger = logging.getLogger(__name__)

COLUMNS: Final = ("video", "label", "score", "frame", "target", "source", "forgery", "quality", "path", "error")
ROWS, SCORES, PARQUET, METRICS, PAGE = "files.jsonl", "scores.csv", "files.parquet", "metrics.json", "report.html"
"""The files in the output folder; `ROWS` is what a later call goes on from."""
_HERE: Final = Path(__file__).parent
_STYLE: Final = _HERE.parent / "reporting/template/page.css"

Row = Mapping[str, Any]


def evaluate_files(
    files: Sequence[LabelledFile],
    trained: Trained,
    settings: FaceSettings,
    output: Path,
    *,
    data: str,
    intervals: Settings,
    options: BatchOptions = BatchOptions(),  # noqa: B008  (frozen)
    threshold: float | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """Score the files as `predict` does, measure the scores, and write both with a page.

    A frame's score is that of the person whose score is the file's. A file that cannot be scored is counted and listed,
    and says nothing: it has the score 0.5. A later call with the same output scores only what is missing.

    Args:
        files: See `read_labelled`.
        trained: The detector.
        settings: How faces are found and cut.
        output: Folder for `ROWS`, `SCORES`, `PARQUET`, `METRICS` and `PAGE`.
        data: Name of the data, for the page.
        intervals: How intervals are made.
        options: See `predict_all`; a folder that is listed is one video.
        threshold: See `evaluate_table`.
        by: Column by whose values results are given too; None: forgery, or else quality, if there are several.

    Returns:
        What `evaluate_table` gives, with the detector and the files that could not be scored.

    Raises:
        ValueError: If no file could be scored, or `output` holds rows of another detector, code or params.
        OSError: If the disk is full or cannot be written.
        RuntimeError: If a worker process died.
    """
    paths = list(dict.fromkeys(one.path for one in files))
    rows = {}
    for row in predict_all(paths, trained, settings, options=options, output=output / ROWS):
        rows[row["path"]] = row
        if row["status"] != SCORED:
            known = row["path"] in row["error"]
            logger.warning("%s", one_line(row["error"] if known else f"{row['path']}: {row['error']}"))
    failed = [
        {"path": readable(path), "error": readable(row["error"])}
        for path, row in rows.items()
        if row["status"] != SCORED
    ]
    if len(failed) == len(rows):
        raise ValueError(
            f"{data} must hold a file that can be scored; got none of {len(failed)}, the first because: "
            f"{failed[0]['error']}"
        )
    write_csv(output / SCORES, COLUMNS, _table(files, rows))
    write_parquet(output / PARQUET, list(rows.values()))
    table = read_score_table(output / SCORES)
    found = evaluate_table(table, intervals, threshold=threshold, by=by or _several(files))
    made = next(row["provenance"] for row in rows.values())
    found |= {
        "data": data,
        "warnings": _shared_warnings(rows),
        "files": {"scored": len(rows) - len(failed), "failed": failed},
        "provenance": made,
        "trained_on": trained.condition,
    }
    write_json(output / METRICS, found)
    write_text(output / PAGE, readable(_page(found, files, rows)))
    return found


def told(found: Mapping[str, Any]) -> str:
    """The result for people."""
    failed = found["files"]["failed"]
    listed = [one_line(f"  {one['path']}: {one['error']}") for one in failed[:20]]
    more = [f"  and {len(failed) - 20} more"] if len(failed) > 20 else []
    head = [f"{len(failed)} of {len(failed) + found['files']['scored']} files could not be scored:"] if failed else []
    warned = [f"Warning: {sentence}." for sentence in found["warnings"]]
    return "\n".join([as_text(found), *undefined(found), *warned, *head, *listed, *more])


def undefined(found: Mapping[str, Any]) -> list[str]:
    """Why metrics that need both classes have no value: one sentence for each group that lacks a class."""
    sentences = []
    for result in found["results"]:
        lacking = [kind for kind, count in result["videos"].items() if not count]
        if lacking:
            sentences.append(
                f"{result['group']}: AUC, average precision, equal error rate and the share found at 1 % false alarms "
                f"need both classes; there is no {lacking[0]} file."
            )
    return sentences


def _shared_warnings(rows: Mapping[str, Row]) -> list[str]:
    """What every answer must be read with; what holds for some files is in their rows."""
    told = [row["warnings"] for row in rows.values() if row["status"] == SCORED]
    return [sentence for sentence in told[0] if all(sentence in others for others in told)]


def _several(files: Sequence[LabelledFile]) -> str | None:
    forgeries = {one.entry.forgery for one in files if one.entry.label == FAKE_LABEL}
    if len(forgeries) > 1:
        return "forgery"
    return "quality" if len({one.quality for one in files}) > 1 else None


def _table(files: Sequence[LabelledFile], rows: Mapping[str, Row]) -> Iterator[dict[str, Any]]:
    """A line per frame, in the form that `evaluate --scores` reads; one without a score for a file that has none."""
    qualities = {one.quality for one in files}
    for one in files:
        row, entry = rows[str(one.path)], one.entry
        line = {
            "video": f"{one.quality}/{entry.video}" if len(qualities) > 1 else entry.video,
            "label": "fake" if entry.label == FAKE_LABEL else "real",
            "forgery": entry.forgery if entry.label == FAKE_LABEL else "",
            "quality": one.quality,
            "target": entry.target,
            "source": entry.source,
            "path": row["path"],
            "error": row["error"] or "",
            "score": "",
            "frame": "",
        }
        line = {name: readable(text) for name, text in line.items()}
        frames = _frames(row)
        yield from ({**line, **frame} for frame in frames) if frames else [line]


def _frames(row: Row) -> list[dict[str, Any]]:
    """Frames of the person whose score is the file's."""
    if row["status"] != SCORED:
        return []
    person = next(one for one in row["people"] if one["score"] == row["score"])
    return [{"frame": one["frame"], "score": repr(one["score"])} for one in person["frames"]]


def _remarks(row: Row, shared: Sequence[str]) -> str:
    own = [sentence for sentence in row.get("warnings") or () if sentence not in shared]
    return "; ".join(filter(None, [row["error"], row.get("damage"), *own]))


def _page(found: Mapping[str, Any], files: Sequence[LabelledFile], rows: Mapping[str, Row]) -> str:
    listed = sorted(
        (
            {
                **rows[str(one.path)],
                "label": one.entry.label,
                "forgery": one.entry.forgery,
                "remarks": _remarks(rows[str(one.path)], found["warnings"]),
            }
            for one in files
        ),
        key=lambda row: (row["score"] is None, -(row["score"] or 0)),
    )
    style = Markup(_STYLE.read_text(encoding="utf-8"))
    template = load_template(_HERE / "evaluation.jinja")
    return template.render(found=found, rows=listed, undefined=undefined(found), style=style)
