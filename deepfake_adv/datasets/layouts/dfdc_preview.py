"""DFDC-Preview: two forgery methods, and one dataset.json with the labels and sets of all videos."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from deepfake_adv.datasets.layouts.base import Layout, relative
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import Tiny, put, write
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.files import read_json
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL, Forgery, Split

_SETS = {"train": Split.TRAIN, "test": Split.TEST}


@register_layout("dfdc_preview")
class DFDCPreview(Layout):
    """Videos in method_A, method_B and original_videos, in sets train and test by dataset.json.

    Args:
        root: Folder with dataset.json.
        forgeries: See `Layout`.
        options: See `Layout`.
    """

    how_to_get: ClassVar[str] = "download the preview set from ai.meta.com/datasets/dfdc after registering"

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        if not (self.root / "dataset.json").is_file():
            return f"looked in {self.root}: it holds no dataset.json, which ships with the videos"
        return None

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        fake = {"label": "fake", "set": "train", "target_id": "1", "swapped_id": "2"}
        content = {
            "original_videos/1/1_A.mp4": {"label": "real", "set": "train", "target_id": "1"},
            "method_A/1_2/1_2_A.mp4": fake,
            "method_B/1_2/1_2_A.mp4": fake,
            "original_videos/3/3_A.mp4": {"label": "real", "set": "test", "target_id": "3"},
        }
        put(root, content)
        write(root / "dataset.json", content)
        videos = {
            "real/original_videos_1_1_A": ("train", "1", ""),
            "DFDCP/method_A_1_2_1_2_A": ("train", "1", "2"),
            "DFDCP/method_B_1_2_1_2_A": ("train", "1", "2"),
            "real/original_videos_3_3_A": ("test", "3", ""),
        }
        return Tiny(videos, ["DFDCP"], {}, "native")

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """Every video of dataset.json.

        Raises:
            ValueError: If an entry lacks a label.
        """
        path = self.root / "dataset.json"
        content = read_json(path)
        if not isinstance(content, Mapping):
            raise ValueError(
                f'{path} must be an object {{"<video>": {{"label": "real" or "fake", "set": ...}}, ...}}; got '
                f"{content!r:.60}. Take the file as it ships."
            )
        for name, facts in sorted(content.items()):
            if not isinstance(facts, Mapping) or str(facts.get("label")).lower() not in ("real", "fake"):
                raise ValueError(
                    f'{path} must give {{"label": "real" or "fake", "set": ...}} of {name}; got {facts!r}. '
                    "Take the file as it ships."
                )
            yield self._entry(name, facts)

    def _entry(self, name: str, facts: Mapping[str, Any]) -> VideoEntry:
        fake = str(facts["label"]).lower() == "fake"
        forgery = Forgery.DFDCP if fake else REAL
        split = _SETS.get(str(facts.get("set")).lower(), "")
        plain = "_".join(Path(name).with_suffix("").parts)  # file names repeat between the methods' folders
        return VideoEntry(
            video=f"{forgery}/{plain}",
            label=FAKE_LABEL if fake else REAL_LABEL,
            forgery=forgery,
            split=str(split),
            target=str(facts.get("target_id") or plain),
            source=str(facts.get("swapped_id") or "") if fake else "",
            path=relative(self.root / name, self.root),
            note="" if split else f"in set {facts.get('set')!r}, neither train nor test",
        )
