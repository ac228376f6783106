"""Checks of an attack's numbers, said once."""

import math


def check_positive(name: str, value: float, *, zero: bool = False) -> None:
    """Check that ``value`` is a finite number above 0, or at least 0 if ``zero``.

    Raises:
        ValueError: If it is not.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < 0 or (value == 0 and not zero):
        least = "of at least 0" if zero else "above 0"
        raise ValueError(f"{name} must be a finite number {least}; got {value!r}. Change it in the attack's params.")
