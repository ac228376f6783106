"""What a stage left when DVC last recorded it: its files, from DVC's cache.

DVC deletes a stage's outputs before it runs. A stage of several independent parts, of which params add one, takes the
others from here instead of making them again.
"""

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any, Final

from deepfake_adv.execution.dvc_batch import ENTRIES, entry_of

logger = logging.getLogger(__name__)

_SUFFIX: Final = ".dir"


class Recorded:
    """The files of a folder that a stage left, as dvc.lock (or a run of train-all in progress) last recorded it.

    Nothing is read before it is needed, and the disk is only read: files are copied, since those of the cache may be
    links that other outputs share.

    Args:
        stage: Name of the stage, with its item: train@compact_baseline.
        output: The folder, as dvc.yaml writes it.
    """

    def __init__(self, stage: str, output: str) -> None:
        self.stage, self.output = stage, output
        self._files: dict[str, str] | None = None
        self._cache: Any = None

    def files(self) -> dict[str, str]:
        """MD5 of each file by its path in the folder; empty where nothing is recorded or DVC's cache lacks it."""
        if self._files is None:
            self._files = self._listing()
        return self._files

    def copy(self, folder: str, target: Path) -> bool:
        """Copy the files below `folder` of the output, if all of them are undamaged in the cache.

        Args:
            folder: Path in the output, e.g. NT_c23/seed0.
            target: New folder that gets its files.

        Returns:
            Whether it was copied; if not, `target` may hold a part.
        """
        chosen = {name: digest for name, digest in self.files().items() if name.startswith(f"{folder}/")}
        for name, digest in chosen.items():
            place = target / name[len(folder) + 1 :]
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(self._place(digest), place)
            except OSError:
                return False
            with open(place, "rb") as stream:
                if hashlib.file_digest(stream, "md5").hexdigest() != digest:  # DVC's hash; not for security
                    logger.warning("%s of %s is damaged in DVC's cache, and is made again", name, self.output)
                    return False
        return bool(chosen)

    def _listing(self) -> dict[str, str]:
        for out in self._entry().get("outs", []):
            digest = str(out.get("md5", ""))
            if out.get("path") != self.output or not digest.endswith(_SUFFIX):
                continue
            try:
                listed = json.loads(self._place(digest).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return {}
            return {file["relpath"]: file["md5"] for file in listed}
        return {}

    def _entry(self) -> dict[str, Any]:
        """A run of train-all in progress has its entry in a file of its own, until dvc.lock gets it."""
        pending = ENTRIES / f"{self.stage}.json"
        try:
            found = json.loads(pending.read_text(encoding="utf-8"))["entry"] if pending.exists() else None
        except (OSError, ValueError, KeyError):
            found = None
        found = found or entry_of(self.stage)
        return found if isinstance(found, dict) else {}

    def _place(self, digest: str) -> Path:
        if self._cache is None:
            from dvc.repo import Repo  # a second's import, which a first build does not need

            with Repo(".") as repo:
                self._cache = repo.cache.local
        return Path(self._cache.oid_to_path(digest))
