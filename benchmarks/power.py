"""How large an effect the study can find: the power of its claims by identities and seeds.

Run as ``python -m benchmarks.power``; takes seconds. The figures of `PROTOTYPE` were measured before the study, on
other identities, with 44 of them in 22 pairs and five seeds; docs/evidence.md explains them.
"""

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import optimize, stats

from benchmarks.common import RESULTS, print_table
from deepfake_adv.files import write_json

PROTOTYPE: Final[dict[str, Any]] = {
    "pairs": 22,
    "identities": 2.5,  # SD over identities of one seed's paired difference, points of AUC
    "identities_pessimistic": 3.0,
    # SD over seeds of the mean difference on the three unseen forgeries, from the 95 % intervals over five seeds
    "seeds": {"two_gen_bat - baseline": 4.0, "two_gen_bat - fixed_blur": 3.1, "two_gen_bat - gaussian_blur": 3.3},
}
CLAIMS: Final = 7
ALPHA: Final = 0.025  # one-sided


def detectable(pairs: int, seeds: int, *, between: float, within: float, power: float, claims: int) -> float:
    """The smallest effect that is found with `power`, by the noncentral t distribution.

    Args:
        pairs: Test identity pairs.
        seeds: Training seeds.
        between: SD of the difference over seeds, points.
        within: SD over identities at the prototype's number of pairs, points.
        power: In (0, 1).
        claims: Of the family; the first step of Holm divides by it.
    """
    shared = within**2 * PROTOTYPE["pairs"] / pairs
    error = np.sqrt(between**2 / seeds + shared)
    freedom = min((between**2 + seeds * shared) ** 2 * (seeds - 1) / between**4, pairs - 1)
    limit = stats.t.ppf(1 - ALPHA / claims, freedom)
    shift = optimize.brentq(lambda delta: stats.nct.sf(limit, freedom, delta) - power, 0, 50)
    return float(shift * error)


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=RESULTS / "power.json")
    output = parser.parse_args().output
    rows = []
    for name, between in PROTOTYPE["seeds"].items():
        for pairs in (30, 60, 80, 120):
            for seeds in (3, 5, 8, 10, 20):
                sizes = {
                    f"{label}, {kind}": round(
                        detectable(pairs, seeds, between=between, within=within, power=0.8, claims=claims), 1
                    )
                    for label, claims in (("alone", 1), ("Holm", CLAIMS))
                    for kind, within in (
                        ("expected", PROTOTYPE["identities"]),
                        ("pessimistic", PROTOTYPE["identities_pessimistic"]),
                    )
                }
                rows.append({"difference": name, "pairs": pairs, "seeds": seeds, **sizes})
    print_table(rows)
    write_json(output, {"prototype": PROTOTYPE, "alpha": ALPHA, "power": 0.8, "claims": CLAIMS, "detectable": rows})


if __name__ == "__main__":
    main()
