"""The error for videos that cannot be read."""


class VideoError(ValueError):
    """A video cannot be read as requested; the message names the file and what to do.

    Args:
        message: One sentence for the user.
        frames: The actual number of frames, if the error is about it.
    """

    def __init__(self, message: str, frames: int | None = None) -> None:
        super().__init__(message)
        self.frames = frames

    def __reduce__(self) -> tuple[type["VideoError"], tuple[str, int | None]]:
        return type(self), (str(self), self.frames)
