"""What one stage takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Of all items of a stage together; None where nothing says.

    Attributes:
        stage: Its name.
        count: Items.
        unit: What they are.
        cpu_s: CPU seconds.
        gpu_s: GPU seconds; 0 for a stage that uses none.
        longest_s: Of the longest item, seconds: no number of cores or GPUs makes it shorter.
        read: Bytes read.
        left: Bytes left on the disk.
        memory: Bytes of main memory of one process that does the work.
        parallel: Whether items go on side by side.
        note: What is not known, or was assumed.
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
