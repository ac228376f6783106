"""Suggestions for unknown names in error messages."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint to append to an error message.

    Args:
        name: The unknown name.
        known: Known names.
        otherwise: The hint if no known name is similar.
    """
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else otherwise
    return f" {hint}" if hint else ""


def check_keywords(whose: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Check that all keywords are known.

    Args:
        whose: Whose keywords they are, for the message: "params of the method jpeg".
        given: Keywords.
        known: Known keywords.

    Raises:
        ValueError: At the first unknown keyword; suggests a similar one.
    """
    taken = list(known)
    for keyword in given:
        if keyword not in taken:
            wanted = f"among {', '.join(taken)}" if taken else "left out"
            hint = did_you_mean(keyword, taken, "Rename or remove it.")
            raise ValueError(f"{whose} must be {wanted}; got {keyword!r}.{hint}")
