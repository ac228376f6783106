"""The study's answer as text: claims, the comparisons behind them, every method against its reference."""

from collections.abc import Sequence
from typing import Final

from deepfake_adv.reporting.render.grids import markdown_grid
from deepfake_adv.reporting.study.claims import Comparison, Protocol, Verdict, compare
from deepfake_adv.reporting.study.results import Results

DIFFERENCE_COLUMNS: Final = (
    "kind", "claim", "ours", "other", "cells", "difference", "low", "high", "seeds", "identity groups", "paper",
    "by seed",
)  # fmt: skip
_MARK: Final = {"supported": "**supported**", "refuted": "**refuted**", "undecided": "undecided"}


CLAIM_COLUMNS: Final = ("", "claim", "difference", "answer", "effect", "p support", "p refute", "seeds", "pairs")


def claims_grid(verdicts: Sequence[Verdict], protocol: Protocol) -> str:
    """`claim_rows` as Markdown."""
    return markdown_grid(list(CLAIM_COLUMNS), claim_rows(verdicts, protocol), labels=5)


def claim_rows(verdicts: Sequence[Verdict], protocol: Protocol) -> list[list[str]]:
    """One row per claim by `CLAIM_COLUMNS`; its comparison that is the least favourable decides."""
    rows = []
    for verdict in verdicts:
        worst = _least(verdict.comparisons)
        others = ", ".join(verdict.claim.others)
        against = others if len(verdict.comparisons) == 1 else f"each of {others}"
        decision = _MARK[verdict.decision] + (f" ({verdict.note})" if verdict.note else "")
        rows.append(
            [
                verdict.claim.id, verdict.claim.text, f"{verdict.claim.ours} − {against}", decision,
                effect_text(worst, protocol.confidence) + (f" ({worst.other})" if len(verdict.comparisons) > 1 else ""),
                _p(verdict.supports), _p(verdict.refutes), str(len(worst.by_seed)), str(worst.groups),
            ]
        )  # fmt: skip
    return rows


def comparisons_grid(verdicts: Sequence[Verdict], protocol: Protocol) -> str:
    """One row per difference of a claim, with every seed's."""
    rows = [
        [
            verdict.claim.id, f"{each.ours} − {each.other}", verdict.claim.cells,
            "" if each.paper is None else signed(each.paper), effect_text(each, protocol.confidence),
            ", ".join(signed(value) for value in each.by_seed.values()),
        ]
        for verdict in verdicts
        for each in verdict.comparisons
    ]  # fmt: skip
    return markdown_grid(["claim", "difference", "cells", "paper", "effect", "by seed"], rows, labels=3)


def secondary(results: Results, protocol: Protocol) -> list[dict[str, Comparison]]:
    """Every method minus its reference, then methods minus controls; each by group of cells."""
    own, methods = protocol.secondary, results.methods()
    pairs = [(method, own["references"].get(method, own["against"])) for method in methods]
    pairs += [(method, control) for method in own["controlled"] if method in methods for control in own["controls"]]
    return [
        {name: compare(results, ours, other, protocol.cells[name]) for name in own["cells"]}
        for ours, other in pairs
        if ours != other
    ]


def secondary_grid(found: Sequence[dict[str, Comparison]], protocol: Protocol) -> str:
    """Differences in rows, groups of cells in columns."""
    names = protocol.secondary["cells"]
    rows = [
        [
            f"{cells[names[0]].ours} − {cells[names[0]].other}",
            *(effect_text(cells[name], protocol.confidence) for name in names),
            str(max(len(each.by_seed) for each in cells.values())),
        ]
        for cells in found
        if any(each.by_seed for each in cells.values())
    ]
    return markdown_grid(["difference", *names, "seeds"], rows, labels=1)


def failures(found: Sequence[dict[str, Comparison]], protocol: Protocol, method: str) -> list[str]:
    """Groups of cells in which a method is worse than its reference, its interval wholly below zero."""
    lines = []
    for name, each in ((name, each) for cells in found for name, each in cells.items() if each.ours == method):
        interval = each.interval(protocol.confidence)
        if interval is not None and interval[1] < 0:
            lines.append(f"{name}: {effect_text(each, protocol.confidence)} against {each.other}")
    return lines


def difference_rows(
    verdicts: Sequence[Verdict], found: Sequence[dict[str, Comparison]], protocol: Protocol
) -> list[list[str]]:
    """All of it for a CSV file, by `DIFFERENCE_COLUMNS`."""
    claimed = [
        ("claim", verdict.claim.id, verdict.claim.cells, each) for verdict in verdicts for each in verdict.comparisons
    ]
    others = [("secondary", "", name, each) for cells in found for name, each in cells.items()]
    rows = []
    for kind, claim, cells, each in (*claimed, *others):
        if each.by_seed:
            interval = each.interval(protocol.confidence)
            numbers = ["", ""] if interval is None else [f"{value:.3f}" for value in interval]
            mean = sum(each.by_seed.values()) / len(each.by_seed)
            paper = "" if each.paper is None else f"{each.paper:g}"
            seeds = " ".join(f"{value:.3f}" for value in each.by_seed.values())
            rows.append(
                [kind, claim, each.ours, each.other, cells, f"{mean:.3f}", *numbers, str(len(each.by_seed)),
                 str(each.groups), paper, seeds]
            )  # fmt: skip
    return rows


def effect_text(comparison: Comparison, confidence: float) -> str:
    """+3.1 [+0.2, +6.0]; without an interval where there is one seed."""
    if not comparison.by_seed:
        return "not run"
    interval = comparison.interval(confidence)
    if comparison.effect is None or interval is None:
        return signed(sum(comparison.by_seed.values()) / len(comparison.by_seed))
    return f"{signed(comparison.effect.value)} [{signed(interval[0])}, {signed(interval[1])}]"


def signed(value: float) -> str:
    """With a sign, one decimal."""
    text = f"{value:+.1f}"
    return ("0.0" if text in ("+0.0", "-0.0") else text).replace("-", "−")


def _least(comparisons: Sequence[Comparison]) -> Comparison:
    """The smallest effect; one that is missing before all others."""
    return min(comparisons, key=lambda each: each.effect.value if each.effect else float("-inf"))


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
