"""What a server takes at most."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class ServeLimits:
    """Limits of one server.

    Attributes:
        file_bytes: Of an uploaded file.
        upload_seconds: For its upload.
        score_seconds: For finding and scoring its faces; queueing does not count.
        send_seconds: For a client to take one piece of the answer.
        waiting: Files that are uploaded, wait or are scored at the same time; more are asked to come back.
        spare_bytes: Free space that an upload must leave on the disk.
    """

    file_bytes: int = 512 * 1024**2
    upload_seconds: float = 600.0
    score_seconds: float = 600.0
    send_seconds: float = 60.0
    waiting: int = 20
    spare_bytes: int = 256 * 1024**2

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"{field.name} must be above 0; got {value}. The default is {field.default}.")
