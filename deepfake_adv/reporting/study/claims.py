"""What the study says about each claim: supported, refuted or undecided, by the rules of docs/evidence.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from ruamel.yaml import YAML

from deepfake_adv.evaluation.readers import Effect, effect, holm
from deepfake_adv.reporting.study.results import Results, TrainTest

Decision = Literal["supported", "refuted", "undecided"]
_FILE: Final = Path(__file__).with_name("claims.yaml")


@dataclass(frozen=True)
class Claim:
    """One claim; `exceeds` is what the difference must exceed, `margin` the gain whose exclusion refutes it, points."""

    id: str
    text: str
    ours: str
    others: tuple[str, ...]
    cells: str
    exceeds: float
    margin: float
    paper: tuple[float | None, ...]


@dataclass(frozen=True)
class Protocol:
    """The content of claims.yaml."""

    claims: tuple[Claim, ...]
    cells: dict[str, tuple[TrainTest, ...]]
    seeds: int
    alpha: float
    confidence: float
    secondary: dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """`ours` minus `other`; `effect` is None where a run is missing or there are too few seeds or identities.

    `paper` is the paper's difference, `by_seed` the difference of each seed, `groups` the number of identity groups.
    """

    ours: str
    other: str
    paper: float | None
    effect: Effect | None
    by_seed: dict[int, float]
    groups: int

    def interval(self, confidence: float) -> tuple[float, float] | None:
        """Interval of this difference alone."""
        return self.effect.interval(confidence) if self.effect else None


@dataclass(frozen=True)
class Verdict:
    """A claim with its comparisons, the adjusted p-values of both directions, and what follows."""

    claim: Claim
    comparisons: tuple[Comparison, ...]
    supports: float
    refutes: float
    decision: Decision
    note: str = ""


@cache
def load_protocol() -> Protocol:
    """Read claims.yaml."""
    content = YAML(typ="safe").load(_FILE.read_text(encoding="utf-8"))
    cells = {name: tuple(TrainTest(**cell) for cell in members) for name, members in content["cells"].items()}
    claims = tuple(
        Claim(**{**claim, "others": tuple(claim["others"]), "paper": tuple(claim["paper"])})
        for claim in content["claims"]
    )
    plain = {name: content[name] for name in ("seeds", "alpha", "confidence", "secondary")}
    return Protocol(claims=claims, cells=cells, **plain)


def judge(results: Results, protocol: Protocol) -> list[Verdict]:
    """Compare, adjust over the family, decide.

    A claim about each of several others is supported if it holds against all of them, so the largest p-value counts,
    and refuted if it fails against one, so the smallest counts, times their number.
    """
    compared = [
        tuple(
            compare(results, claim.ours, other, protocol.cells[claim.cells], paper)
            for other, paper in zip(claim.others, claim.paper, strict=True)
        )
        for claim in protocol.claims
    ]
    complete = [all(len(each.by_seed) >= protocol.seeds for each in comparisons) for comparisons in compared]
    supports, refutes = [], []
    for claim, comparisons, whole in zip(protocol.claims, compared, complete, strict=True):
        effects = [each.effect for each in comparisons if each.effect]
        counts = whole and len(effects) == len(comparisons)
        supports.append(max(each.above(claim.exceeds) for each in effects) if counts else 1.0)
        refutes.append(min(1.0, len(effects) * min(each.below(claim.margin) for each in effects)) if counts else 1.0)
    family = zip(protocol.claims, compared, complete, holm(supports), holm(refutes), strict=True)
    return [_verdict(*each, protocol) for each in family]


def compare(
    results: Results, ours: str, other: str, cells: Sequence[TrainTest], paper: float | None = None
) -> Comparison:
    """One difference with its error."""
    found = results.difference(ours, other, cells)
    if found is None:
        return Comparison(ours, other, paper, None, {}, 0)
    enough = len(found.seeds) > 1 and len(found.groups) > 1
    by_seed = dict(zip(found.seeds, found.measured.values.tolist(), strict=True))
    return Comparison(ours, other, paper, effect(found.measured) if enough else None, by_seed, len(found.groups))


def _verdict(
    claim: Claim,
    comparisons: tuple[Comparison, ...],
    complete: bool,
    supports: float,
    refutes: float,
    protocol: Protocol,
) -> Verdict:
    decision: Decision = "undecided"
    note = ""
    if not complete:
        fewest = min(len(each.by_seed) for each in comparisons)
        note = f"{fewest} of {protocol.seeds} seeds" if fewest else "not run"
    elif supports < protocol.alpha:
        decision = "supported"
        if refutes < protocol.alpha and claim.margin > claim.exceeds:
            note = f"but below {claim.margin:g} points"
    elif refutes < protocol.alpha:
        decision = "refuted"
    return Verdict(claim, comparisons, supports, refutes, decision, note)
