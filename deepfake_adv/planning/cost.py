"""The cost of one stage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """The cost of all items of a stage together; None if it is not known.

    Attributes:
        stage: Name of the stage.
        count: Number of items.
        unit: What an item is.
        cpu_s: CPU seconds.
        gpu_s: GPU seconds; 0 for a stage that uses none.
        longest_s: Seconds of the longest item, which more cores or GPUs do not shorten.
        read: Bytes read.
        left: Bytes of outputs on the disk.
        memory: Bytes of main memory of one worker process.
        parallel: Whether items run in parallel.
        note: What is unknown or assumed.
    """

    stage: str
    count: float
    unit: str
    cpu_s: float | None
    gpu_s: float | None = 0.0
    longest_s: float = 0.0
    read: float = 0.0
    left: float | None = 0.0
    memory: float | None = None
    parallel: bool = True
    note: str = ""
