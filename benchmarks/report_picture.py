"""Takes the README's picture of the report: ``python -m benchmarks.report_picture``, after `make repro`.

It shows Table I from its title to its last row, in Chromium. `PLAYWRIGHT_CHROMIUM` names another browser.
"""

import argparse
import io
import os
import shutil
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import sync_playwright

TABLE: Final = "#table_01"
COLOURS: Final = 32  # text on paper needs no more; a third of the bytes
BORDER: Final = 16  # pixels around the table


def take(report: Path, path: Path, *, width: int) -> None:
    """Write the picture.

    Args:
        report: The report's page.
        path: PNG file to write.
        width: Of the browser's window, pixels.

    Raises:
        FileNotFoundError: If there is no Chromium.
    """
    chromium = os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise FileNotFoundError(
            "chromium must be installed; found none. Install it, or name one in PLAYWRIGHT_CHROMIUM."
        )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 1200}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        figure, rows = page.locator(TABLE).bounding_box(), page.locator(f"{TABLE} >> table").bounding_box()
        assert figure, "the report has a Table I"
        assert rows, "the table has rows"
        clip = {
            "x": figure["x"] - BORDER,
            "y": figure["y"],
            "width": figure["width"] + 2 * BORDER,
            "height": rows["y"] + rows["height"] - figure["y"] + 2,
        }
        pixels = page.screenshot(full_page=True, clip=clip)  # type: ignore[arg-type]  # a TypedDict of playwright's
        browser.close()
    with Image.open(io.BytesIO(pixels)) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Take it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, default=Path("reports/report.html"))
    parser.add_argument("--output", type=Path, default=Path("docs/images/report.png"))
    parser.add_argument("--width", type=int, default=1140, help="of the window, pixels")
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    take(arguments.report, arguments.output, width=arguments.width)


if __name__ == "__main__":
    main()
