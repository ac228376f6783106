"""Table specifications: the data of specs.yaml as objects, checked once when read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

_FILE: Final = Path(__file__).with_name("specs.yaml")
OTHER_RUNS: Final = "other_runs"
"""Id and file of the table of runs that fill no cell of the paper's."""
_NAMES: Final = {"C": "Appendix C", "TSN": "TSN", OTHER_RUNS: "Other runs"}


@dataclass(frozen=True)
class Row:
    """One line of a table: a method of a detector, or a source with its attack's settings.

    `further`: beyond the paper's rows. `train`: the training condition, where columns have none; `detector` is then an
    entry of params, else a role.
    """

    id: str
    label: str
    group: str = ""
    detector: str = ""
    source: str = ""
    kernel_size: int = 0
    sigma: float = 0.0
    steps: int = 0
    train: str = ""
    further: bool = False

    @property
    def entry(self) -> str:
        """The `methods` entry of params that fills this row."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True)
class Column:
    """One heading of a table: a pair of conditions, a victim, or an average of columns."""

    id: str
    label: str
    group: str = ""
    train: str = ""
    test: str = ""
    dataset: str = ""
    victim: str = ""
    average: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableSpec:
    """One table: which cells it has, and where a run must come from to fill one."""

    id: str
    file: str
    kind: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    metrics: tuple[str, ...]

    @property
    def name(self) -> str:
        """How the table is called in prose."""
        return _NAMES.get(self.id, f"Table {self.id}")

    @property
    def numbered(self) -> bool:
        """Whether it is one of the paper's sixteen."""
        return self.file.startswith("table_")

    def heads(self) -> list[tuple[Column, str]]:
        """Columns of numbers: each heading with each of its metrics."""
        return [(column, metric) for column in self.columns for metric in self.metrics]


@cache
def load_specs() -> tuple[TableSpec, ...]:
    """All tables, in the paper's order, its in-text numbers last."""
    content = YAML(typ="safe").load(_FILE.read_text(encoding="utf-8"))
    return tuple(_table(entry, content) for entry in content["tables"])


@cache
def metric_label(metric: str) -> str:
    """Heading of a metric."""
    return str(YAML(typ="safe").load(_FILE.read_text(encoding="utf-8"))["metrics"][metric]["label"])


def printed_names(roles: Mapping[str, str], detectors: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """How to print a role's detector where ours is not the paper's network, by the name that the paper prints.

    Args:
        roles: Role -> the `detectors` entry that plays it; a role that is no key is its own entry.
        detectors: Entries of params.yaml. A `model` that is left out is the paper's.
    """
    content = YAML(typ="safe").load(_FILE.read_text(encoding="utf-8"))
    names = {}
    for role, label in content["detectors"].items():
        entry = detectors.get(roles.get(role, role))
        if entry is None:
            continue
        network = _network(entry, role, content["networks"][role])
        if entry["name"] != role:
            names[label] = f"{network} in {label}'s place"
        elif network != content["networks"][role]:
            names[label] = f"{label}, here {network}"
    return names


def _network(entry: Mapping[str, Any], role: str, papers: str) -> str:
    """The network of an entry: the model of timm's, or a detector that has none."""
    if "frame" in entry:
        return _network(entry["frame"], "efficientnet", papers)
    own = entry["name"].partition(":")
    model = entry.get("model") or own[2] or (papers if entry["name"] == role else own[0])
    return str(model).partition(".")[0]


def renamed(spec: TableSpec, names: Mapping[str, str]) -> TableSpec:
    """The table with other names of detectors in its title and rows; see `printed_names`."""
    rows = tuple(replace(row, label=names.get(row.label, row.label)) for row in spec.rows)
    title = spec.title
    for label, name in names.items():
        title = title.removesuffix(f"({label})") + f"({name})" * title.endswith(f"({label})")
    return replace(spec, rows=rows, title=title)


def _table(entry: dict[str, Any], content: dict[str, Any]) -> TableSpec:
    detector = entry.get("detector", "")
    named = content["detectors"] | content["classifiers"]
    rows = []
    for row in content["rows"][entry["rows"]]:
        role = row.get("detector", detector)
        label = str(row.get("label", named.get(row.get("source", ""), ""))).format(detector=named.get(role, role))
        rows.append(Row(**{**row, "id": str(row["id"]), "label": label, "detector": role}))
    columns = []
    for column in content["columns"][entry["columns"]]:
        sets = {name: tuple(column[name]) for name in ("average", "absent") if name in column}
        label = column.get("label", named.get(column["id"], column["id"]))
        columns.append(Column(**{**column, **sets, "label": label}))
    titled = f"{entry['title']} ({named[detector]})" if detector else entry["title"]
    spec = TableSpec(
        entry["id"],
        entry["file"],
        entry["kind"],
        titled,
        tuple(rows),
        tuple(columns),
        tuple(entry["metrics"]),
    )
    assert len({row.id for row in spec.rows}) == len(rows), f"{spec.name} has a row twice"
    assert len({column.id for column in spec.columns}) == len(columns), f"{spec.name} has a column twice"
    return spec
