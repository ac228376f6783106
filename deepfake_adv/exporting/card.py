"""The model card of an exported detector: what it was trained on, how well it does, and what it cannot do."""

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from huggingface_hub import EvalResult, ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from deepfake_adv.evaluation.support import Support, read_support
from deepfake_adv.exporting.measurements import Measurements
from deepfake_adv.names import Condition
from deepfake_adv.registry import module_of
from deepfake_adv.training.checkpoint import WEIGHTS
from deepfake_adv.training.trained import Trained

logger = logging.getLogger(__name__)

FALSE_POSITIVE_RATE: Final = 0.05
CONFIDENCE: Final = 0.95
"""Of the threshold that a card states."""
_HERE: Final = Path(__file__).parent
_COLUMNS: Final = (("video", "auc"), ("frame", "auc"), ("video", "acc"), ("video", "eer"), ("video", "ece"))
_RENDERED: Final = "procedural"  # origin of the embedded corpus, in run.json's training_data
_OWN_LICENCE: Final = "apache-2.0"


def model_card(trained: Trained, measured: Measurements | None, *, licence: str | None = None) -> str:
    """README.md of an exported detector, in Markdown with the YAML header that model hubs read.

    Args:
        trained: The detector.
        measured: Its results; None where there are none.
        licence: See `export_hub`.
    """
    record = trained.record
    entry, method = record["params"]["detector"], {"name": "unknown", **record["params"].get("method", {})}
    parts = record.get("training_data") or {}
    rendered = bool(parts) and all(part.get("origin") == _RENDERED for part in parts.values())
    pretrained = list(_pretrained(entry))
    known = licence or (_OWN_LICENCE if rendered and not pretrained and not record.get("inputs") else None)
    header = ModelCardData(
        license=known or "other",
        license_name=None if known else "terms-of-the-training-data",
        library_name="deepfake-adv",
        pipeline_tag="image-classification",
        tags=["deepfake-detection", "image-forensics", entry["name"], str(method["name"])],
        metrics=["roc_auc", "accuracy"],
        model_name=record.get("run") or "detector" if measured else None,
        eval_results=list(_results(measured)) or None,
    )
    return _template().render(
        header=header.to_yaml(),
        name=record.get("run") or "Deepfake detector",
        version=(record.get("versions") or {}).get("deepfake-adv", ""),
        trained=trained,
        entry=entry,
        method=method,
        parts=parts,
        rendered=rendered,
        pretrained=pretrained,
        licence=known,
        module=module_of(entry["name"]),
        faces=record.get("faces") or {},
        condition=_told(trained.condition),
        digest=record["files"][WEIGHTS],
        measured=measured,
        rows=list(_rows(measured)),
        support=_support(trained),
    )


def _pretrained(entry: Mapping[str, Any]) -> Iterable[str]:
    """Models whose weights the detector, or its frame detector, started from."""
    if entry.get("pretrained"):
        yield str(entry.get("model") or entry["name"])
    if isinstance(entry.get("frame"), Mapping):
        yield from _pretrained(entry["frame"])


def _told(condition: str) -> str:
    forgery, quality = Condition.parse(condition, real=True)
    return f"{forgery} at quality {quality}"


def _support(trained: Trained) -> Support | None:
    """What the run's validation videos support; None where they were not kept, or a class has none."""
    try:
        return read_support(trained.folder, FALSE_POSITIVE_RATE, CONFIDENCE)
    except ValueError as error:
        logger.warning("the card states no calibration: %s", error)
        return None


def _rows(measured: Measurements | None) -> Iterable[list[str]]:
    for entry in measured.results if measured else ():
        videos = entry["videos"]
        cells = [_cell(entry[level][metric]) for level, metric in _COLUMNS]
        yield [entry["dataset"], entry["test"], f"{videos['real']} / {videos['fake']}", *cells]


def _cell(metric: Mapping[str, Any]) -> str:
    """Per cent with its interval; a dash where the metric is undefined."""
    value, low, high = (metric[key] for key in ("value", "low", "high"))
    if value is None:
        return "–"
    return f"{100 * value:.1f}" + ("" if low is None else f" [{100 * low:.1f}, {100 * high:.1f}]")


def _results(measured: Measurements | None) -> Iterable[EvalResult]:
    for entry in measured.results if measured else ():
        value = entry["video"]["auc"]["value"]
        if value is not None:
            yield EvalResult(
                task_type="image-classification",
                dataset_type=entry["dataset"],
                dataset_name=f"{entry['dataset']}, {entry['test']}",
                dataset_config=entry["test"],
                dataset_split="test",
                metric_type="roc_auc",
                metric_name="AUC per video",
                metric_value=round(value, 4),
            )


@cache
def _template() -> Template:
    # The card is Markdown, which nothing renders here: no HTML to escape.
    environment = Environment(loader=FileSystemLoader(_HERE), undefined=StrictUndefined, keep_trailing_newline=True)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template("card.jinja")
