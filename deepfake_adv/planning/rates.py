"""Rates that benchmarks measured: a committed table, which `python -m benchmarks.rates` makes from their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deepfake_adv.files import read_json_object

TABLE: Final = Path(__file__).parent / "rates.json"


@dataclass(frozen=True)
class RateSource:
    """Where a rate is from.

    Attributes:
        file: Result file in benchmarks/results.
        date: Date of the measurement.
        commit: Last commit that changed the file.
        processor: Processor that it ran on.
    """

    file: str
    date: str
    commit: str
    processor: str


class Rates:
    """Rates by name, such as ``crop_i420.crop``: CPU seconds, bytes or megabytes, according to the name.

    Args:
        values: Rates by name.
        sources: Result files of the values.
    """

    def __init__(self, values: Mapping[str, float], sources: Mapping[str, RateSource]) -> None:
        self._values, self.sources = dict(values), dict(sources)

    def __getitem__(self, name: str) -> float:
        return self._values[name]


def read_rates(path: Path = TABLE) -> Rates:
    """Read the table of rates.

    Raises:
        ValueError: If the file has another format.
    """
    content = read_json_object(path, {"values": dict, "sources": dict})
    sources = {name: RateSource(**facts) for name, facts in content["sources"].items()}
    return Rates(content["values"], sources)
