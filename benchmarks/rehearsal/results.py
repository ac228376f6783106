"""What a rehearsal leaves: how many tables are full, and what each stage took."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from deepfake_adv.reporting.specs import load_specs


def full_tables(folder: Path) -> tuple[list[str], list[str]]:
    """The paper's numbered tables that have every cell measured, and the others with what they lack.

    Args:
        folder: reports/tables, as the stage `tables` leaves it.

    Returns:
        Names of full ones, and one sentence on each other.
    """
    full, others = [], []
    for spec in (spec for spec in load_specs() if spec.numbered):
        path = folder / f"{spec.file}.csv"
        if not path.exists():
            others.append(f"{spec.name}: there is no {path.name}")
            continue
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        wanted = [row for row in rows if row["state"] != "none"]
        measured = [row for row in wanted if row["state"] == "measured" and row["value"]]
        if wanted and len(measured) == len(wanted):
            full.append(spec.name)
        else:
            lacking = dict.fromkeys(f"{row['row']} / {row['column']}" for row in wanted if row not in measured)
            named = ", ".join(list(lacking)[:3]) + " …" * (len(lacking) > 3)
            others.append(f"{spec.name}: {len(measured)} of {len(wanted)} cells; without {named or 'a row'}")
    return full, others


def by_stage(usage: Iterable[Mapping[str, Any]], sizes: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Add up what stages took, runs and parts together.

    Args:
        usage: Of each process. A stage's longest counts: `inventory` looks again in every `dvc repro`, where it finds
            what it has noted, and a killed stage runs again.
        sizes: Bytes that each stage left.

    Returns:
        Stage -> wall_s, cpu_s, peak_mb (of its largest process), bytes, count.
    """
    longest = {_name(line["stage"]): line for line in sorted(usage, key=lambda line: float(line["cpu_s"]))}
    found: dict[str, dict[str, Any]] = {}
    for name, line in longest.items():
        stage = found.setdefault(
            name.partition("@")[0], {"wall_s": 0.0, "cpu_s": 0.0, "peak_mb": 0.0, "bytes": 0, "count": 0}
        )
        stage["wall_s"] += line["wall_s"]
        stage["cpu_s"] += line["cpu_s"]
        stage["peak_mb"] = max(stage["peak_mb"], line["peak_mb"])
        stage["bytes"] += sizes.get(name, 0)
        stage["count"] += 1
    return {
        name: {key: round(value, 1) if isinstance(value, float) else value for key, value in stage.items()}
        for name, stage in found.items()
    }


def sizes(project: Path) -> dict[str, int]:
    """Bytes that each stage left, by DVC's own account."""
    found: dict[str, int] = {}
    for path in (project / "dvc.lock", project / "outside/dvc.lock"):
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8")) if path.exists() else {}
        for name, entry in content.get("stages", {}).items():
            found[name] = sum(out.get("size", 0) for out in entry.get("outs", []))
    return found


def disk(folder: Path) -> int:
    """Bytes on the disk below a folder; a file with several links counts once."""
    seen = {(status.st_dev, status.st_ino): status.st_blocks * 512 for status in map(Path.lstat, folder.rglob("*"))}
    return sum(seen.values())


def _name(stage: str) -> str:
    """dvc.yaml:train@run, outside/dvc.yaml:inputs -> train@run, inputs."""
    return stage.rpartition(":")[2]
