"""What still decodes of a damaged video: frames up to the damage, and again from the next key frame on.

`read_frames` refuses such a file, since the index of what follows the damage is no longer certain. Here frames are
counted as they come out, so their numbers are those of no other file: for looking at them, not for a dataset.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from deepfake_adv.video.colour import Frame
from deepfake_adv.video.container import is_zeroed, opened
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import to_planes


class IntactFrames:
    """The frames of a damaged video that decode; may be read again and again, one frame at a time.

    Attributes:
        broken: Packets that the last reading passed over.

    Args:
        path: The video file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broken = 0

    def __iter__(self) -> Iterator[Frame]:
        """Planes as `read_frames` gives them, all of the first frame's size.

        Raises:
            VideoError: If the file cannot be opened as a video at all.
        """
        self.broken = 0
        shape = None
        with opened(self.path) as (container, stream):
            for picture in self._pictures(container, stream):
                planes = to_planes(picture)
                shape = shape or planes.shape
                if planes.shape == shape:
                    yield planes
                else:
                    self.broken += 1

    def _pictures(self, container: Any, stream: Any) -> Iterator[Any]:
        packets = container.demux(stream)
        started, whole = False, False  # whether a key frame came, and whether nothing that was lost is referred to
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):
                return
            if packet.size and (packet.is_corrupt or is_zeroed(packet, stream)):
                self.broken += 1
                whole = False
                continue
            if packet.size and not whole:
                if not packet.is_keyframe:
                    self.broken += started
                    continue
                if started:
                    stream.codec_context.flush_buffers()
                started = whole = True
            try:
                pictures = packet.decode()
            except av.FFmpegError:
                self.broken += 1
                whole = False
                continue
            for picture in pictures:
                if picture.is_corrupt or min(picture.width, picture.height) < 2:
                    self.broken += 1
                else:
                    yield picture


def count_intact(path: Path, reason: VideoError) -> tuple[int, int]:
    """How many frames of a damaged video decode, and how many packets do not.

    Raises:
        VideoError: `reason`, if none decodes.
    """
    intact = IntactFrames(path)
    count = 0
    try:
        for _ in intact:
            count += 1
    except VideoError:
        count = 0
    if not count:
        raise reason
    return count, intact.broken
