"""What an error says of names that are not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint to add to an error.

    Args:
        name: As given.
        known: Those there are.
        otherwise: What to say where none of them is near.
    """
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else otherwise
    return f" {hint}" if hint else ""


def check_keywords(whose: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that are not known.

    Args:
        whose: What takes them, for the message: "params of the method jpeg".
        given: Keywords.
        known: Those that it takes.

    Raises:
        ValueError: At the first that is not known; suggests one that is near.
    """
    taken = list(known)
    for keyword in given:
        if keyword not in taken:
            wanted = f"among {', '.join(taken)}" if taken else "left out"
            hint = did_you_mean(keyword, taken, "Rename or remove it.")
            raise ValueError(f"{whose} must be {wanted}; got {keyword!r}.{hint}")
