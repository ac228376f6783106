"""Places parallel runs: each gets its own GPUs or cores, which two runs share only if more jobs are requested."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deepfake_adv.execution.memory import JOBS


@dataclass(frozen=True)
class Need:
    """The devices that every run needs.

    Attributes:
        devices: Number of GPUs, or, without GPUs, of processes.
        nodes: Number of machines.
        accelerator: "auto" takes GPUs where there are any.
    """

    devices: int = 1
    nodes: int = 1
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"


def local_slots(need: Need, jobs: int | None, gpus: Sequence[str] | None = None) -> list[dict[str, str]]:
    """Environment of the runs in each slot of this machine.

    GPUs that do not fill a slot stay idle. If there are more jobs than slots, jobs share GPUs, `devices` each, in turn.

    Args:
        need: Of each run.
        jobs: Runs at a time; None: as many as find GPUs of their own, else cores.
        gpus: As CUDA_VISIBLE_DEVICES names them; None: `visible_gpus`.

    Raises:
        ValueError: If a run can never be placed here.
    """
    _check_nodes(need)
    named = visible_gpus() if gpus is None else list(gpus)
    if not _on_gpus(need, len(named), "this machine"):
        return _shares(need, jobs, os.cpu_count() or 1)
    starts = range(0, len(named) - need.devices + 1, need.devices)
    groups = [",".join(named[start : start + need.devices]) for start in starts]
    return [{"CUDA_VISIBLE_DEVICES": groups[slot % len(groups)]} for slot in range(jobs or len(groups))]


@dataclass(frozen=True)
class ClusterShare:
    """The share of a cluster that each run gets.

    Attributes:
        jobs: Runs at a time.
        resources: As Ray's `remote` names them.
        environment: Of the run; Ray sets CUDA_VISIBLE_DEVICES itself.
    """

    jobs: int
    resources: dict[str, int]
    environment: dict[str, str]


def ray_share(need: Need, jobs: int | None, nodes: Sequence[dict[str, Any]]) -> ClusterShare:
    """Divide a cluster; a run stays on one node.

    Args:
        need: Of each run.
        jobs: Runs at a time; None: as many as find GPUs of their own, else cores.
        nodes: From `ray.nodes()`.

    Raises:
        ValueError: If no node can take a run.
    """
    _check_nodes(need)
    living = [node.get("Resources", {}) for node in nodes if node.get("Alive", True)]
    gpus = [int(each.get("GPU", 0)) for each in living]
    if _on_gpus(need, max(gpus, default=0), "the cluster's largest node"):
        places = sum(count // need.devices for count in gpus)
        jobs = jobs or places
        return ClusterShare(jobs, {"num_gpus": need.devices}, _beside(jobs, max(gpus), need.devices))
    cores = [int(each.get("CPU", 0)) for each in living]
    shares = _shares(need, jobs, sum(cores))
    largest = max(cores, default=1)
    each = max(min(int(shares[0]["OMP_NUM_THREADS"]) * need.devices, largest), 1)
    return ClusterShare(len(shares), {"num_cpus": each}, shares[0] | _beside(len(shares), largest, each))


def _beside(jobs: int, most: int, each: int) -> dict[str, str]:
    """How many runs the largest node may hold at once, for `execution.memory`; they share its memory."""
    return {JOBS: str(max(min(jobs, most // each), 1))}


def visible_gpus() -> list[str]:
    """GPUs that a run may be given, as CUDA_VISIBLE_DEVICES names them; found without importing torch."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False).stdout
    return [str(index) for index, line in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def _on_gpus(need: Need, most: int, whose: str) -> bool:
    """Whether runs use GPUs; raises if one needs more than a single machine has."""
    if need.accelerator == "cpu" or (need.accelerator == "auto" and not most):
        return False
    if most < need.devices:
        raise ValueError(
            f"device.devices must be at most the GPUs of {whose} ({most}); got {need.devices}. "
            "Lower it, or set device.accelerator to cpu."
        )
    return True


def _check_nodes(need: Need) -> None:
    if need.nodes > 1:
        raise ValueError(
            f"device.nodes must be 1 for train-all, which places a run on one machine; got {need.nodes}. Start each "
            "run by torchrun or SLURM on its machines, or set device.nodes to 1."
        )


def _shares(need: Need, jobs: int | None, cores: int) -> list[dict[str, str]]:
    jobs = jobs or max(cores // need.devices, 1)
    return [{"OMP_NUM_THREADS": str(max(cores // (jobs * need.devices), 1))}] * jobs
