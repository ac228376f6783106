"""DeepFakeDetection (DFD): the actors' videos that ship in FaceForensics++'s tree."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from deepfake_adv.datasets.layouts.base import Layout, child, files_by_name, relative, video_names
from deepfake_adv.datasets.layouts.faceforensics import quality_folder
from deepfake_adv.datasets.layouts.published import Published
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import Tiny, put
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL, Forgery, Quality, Split

_ORIGINALS = 363
_FAKES = 3068
# Originals and fakes, as published
_GIGABYTES = {Quality.RAW: (200, 1600), Quality.C23: (3, 22), Quality.C40: (0.4, 3)}


@register_layout("dfd")
class DeepFakeDetection(Layout):
    """Scenes of 28 actors, fakes named <target>_<source>__<scene>__<id>; all of it is test data.

    A fake's target is the original <target>__<scene>; actors stand in for each other throughout, so no
    split of it would keep identities apart. Masks show which of several persons is forged.
    """

    own_forgeries = (Forgery.DFD,)
    exact_identities: ClassVar[bool] = False
    how_to_get: ClassVar[str] = (
        "run FaceForensics++'s download script with -d DeepFakeDetection_original and -d DeepFakeDetection, "
        "-c c23 -t videos (and -t masks)"
    )

    class Params(Layout.Params):
        """Options of `dfd`."""

        published: bool = Field(True, description="Expect as many videos as were published; false for one's own.")

    params: Params

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        if not self._originals().is_dir() and not self._fakes().is_dir():
            return (
                f"looked in {self.root}: it holds neither original_sequences/actors nor "
                "manipulated_sequences/DeepFakeDetection"
            )
        return None

    def expected(self, quality: str) -> dict[str, int]:
        """363 originals, 3,068 fakes, where the published ones are expected."""
        return {REAL: _ORIGINALS, str(Forgery.DFD): _FAKES} if self.params.published else {}

    def published(self, quality: str) -> list[Published]:
        """As `expected`, 1080 lines each; their lengths are not published."""
        sizes = _GIGABYTES.get(Quality(quality), (0, 0))
        return [
            Published(kind, Split.TEST, count, size * 1e9 / count or None, width=1920, height=1080, masked=kind != REAL)
            for (kind, count), size in zip(self.expected(quality).items(), sizes, strict=True)
        ]

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        real, fake = "original_sequences/actors/c23/videos", "manipulated_sequences/DeepFakeDetection"
        put(root, [f"{real}/24__talk_still.mp4", f"{real}/23__kitchen.mp4"])
        put(root, [f"{fake}/c23/videos/{name}.mp4" for name in ("24_23__talk_still__YR5OVD4S", "23_24__kitchen__AA")])
        put(root, [f"{fake}/masks/videos/24_23__talk_still__YR5OVD4S.mp4"])
        videos = {
            "real/24__talk_still": ("test", "24__talk_still", ""),
            "real/23__kitchen": ("test", "23__kitchen", ""),
            "DFD/24_23__talk_still__YR5OVD4S": ("test", "24__talk_still", "23"),
            "DFD/23_24__kitchen__AA": ("test", "23__kitchen", "24"),
        }
        return Tiny(videos, ["DFD"], {}, "c23")

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """The originals, including those known only from a fake's name, then the fakes."""
        real_folder, fake_folder = (quality_folder(place, quality) for place in (self._originals(), self._fakes()))
        masks = child(self._fakes(), "masks", "videos")
        masked = set(video_names(masks))
        reals, fakes = files_by_name(real_folder), files_by_name(fake_folder)
        for name in sorted(reals.keys() | {_original(fake) for fake in fakes}):
            path = relative(real_folder / reals.get(name, f"{name}.mp4"), self.root)
            yield VideoEntry(f"{REAL}/{name}", REAL_LABEL, REAL, Split.TEST, name, "", path)
        for name, file in sorted(fakes.items()):
            yield VideoEntry(
                video=f"{Forgery.DFD}/{name}",
                label=FAKE_LABEL,
                forgery=Forgery.DFD,
                split=Split.TEST,
                target=_original(name),
                source=name.partition("__")[0].rpartition("_")[2],
                path=relative(fake_folder / file, self.root),
                mask_path=relative(masks / file, self.root) if file in masked else "",
            )

    def _originals(self) -> Path:
        return child(self.root, "original_sequences", "actors")

    def _fakes(self) -> Path:
        return child(self.root, "manipulated_sequences", "DeepFakeDetection")


def _original(fake: str) -> str:
    """24_23__talking__YR5OVD4S is made from 24__talking."""
    actors, _, rest = fake.partition("__")
    return f"{actors.partition('_')[0]}__{rest.rpartition('__')[0] or rest}"
