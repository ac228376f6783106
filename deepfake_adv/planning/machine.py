"""The machine that a plan is for: this one, or one given by options."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from deepfake_adv.execution.memory import memory_of_job
from deepfake_adv.training.slots import visible_gpus

_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgtp])(i?)b?", re.IGNORECASE)


@dataclass(frozen=True)
class Machine:
    """The resources of a machine; None where not known.

    Attributes:
        cores: CPU cores.
        gpus: Number of GPUs.
        memory: Bytes of main memory.
        disk: Free bytes on the project's disk.
        gpu_memory: Bytes of memory of one GPU.
    """

    cores: int
    gpus: int
    memory: float | None = None
    disk: float | None = None
    gpu_memory: float | None = None


def this_machine(root: Path = Path()) -> Machine:
    """This machine; imports no torch."""
    room = memory_of_job()
    gpus = visible_gpus()
    return Machine(
        cores=os.cpu_count() or 1,
        gpus=len(gpus),
        memory=None if room is None else float(room.total),
        disk=float(shutil.disk_usage(root).free),
        gpu_memory=_gpu_memory() if gpus else None,
    )


def described(
    base: Machine,
    *,
    cores: int | None = None,
    gpus: int | None = None,
    memory: str | None = None,
    disk: str | None = None,
    gpu_memory: str | None = None,
) -> Machine:
    """`base` with the given values replaced; if the number of GPUs changes, their memory is not known.

    Raises:
        ValueError: If a number is out of range, or a size cannot be read.
    """
    for name, value, least in (("cores", cores, 1), ("gpus", gpus, 0)):
        if value is not None and value < least:
            raise ValueError(f"--{name} must be at least {least}; got {value}. Give the machine's number.")
    machine = base
    if gpus is not None and gpus != base.gpus:
        machine = replace(machine, gpus=gpus, gpu_memory=None)
    if cores is not None:
        machine = replace(machine, cores=cores)
    if memory is not None:
        machine = replace(machine, memory=parse_size(memory, "--memory"))
    if disk is not None:
        machine = replace(machine, disk=parse_size(disk, "--disk"))
    if gpu_memory is not None:
        machine = replace(machine, gpu_memory=parse_size(gpu_memory, "--gpu-memory"))
    return machine


def parse_size(text: str, name: str) -> float:
    """Bytes of a size such as 500GB, 4 TB or 64GiB. A number alone is refused: nobody means 256 bytes by 256.

    Raises:
        ValueError: If the text is not a size with its unit, or the size is 0.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise ValueError(f"{name} must be a size such as 500GB, 4TB or 64GiB; got {text!r}. Write it with its unit.")
    unit = match[2].lower()
    step = 1024 if match[3] else 1000
    return float(match[1]) * float(step ** "kmgtp".index(unit) * step)


def readable(size: float) -> str:
    """Bytes as text, three digits."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.4g} TB"


def _gpu_memory() -> float | None:
    """Memory of the smallest GPU here, as its driver reports."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    query = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    listed = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split()
    sizes = [float(word) for word in listed if word.replace(".", "").isdigit()]
    return min(sizes) * 2**20 if sizes else None
