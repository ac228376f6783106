"""List each stage's source files with their hashes: sources.py FOLDER STAGE..."""

from pathlib import Path

from deepfake_adv.files import write_text
from deepfake_adv.sources import source_list, tracked
from deepfake_adv.stage import run_stage


def main(folder: Path, *stages: Path) -> None:
    """Write <stage>.txt for every stage named."""
    root = Path.cwd()
    for stage in stages:
        files = tracked(root / "pipeline" / f"{stage}.py", root)
        write_text(folder / f"{stage}.txt", source_list(files, root))


if __name__ == "__main__":
    run_stage("sources", main)
