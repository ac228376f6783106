"""What MkDocs calls while it builds the site; see mkdocs.yml."""

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

from docsite.github import as_python_markdown
from docsite.links import rewritten, targets
from docsite.mathml import with_mathml
from docsite.nav import expanded
from docsite.pages import FROM_THE_ROOT, ROOT, listing, place_of, source_page, tracked
from docsite.reference.pages import PAGES

_ASSETS = Path(__file__).with_name("assets")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages outside docs/, the generated reference and the files that pages link to; complete the contents."""
    tracked.cache_clear()  # files may have come since the last build of `mkdocs serve`
    in_repository = tracked()
    for asset in sorted(_ASSETS.iterdir()):
        files.append(File.generated(config, f"assets/{asset.name}", abs_src_path=str(asset)))
    for path, page in FROM_THE_ROOT.items():
        files.append(File.generated(config, page, content=(ROOT / path).read_text(encoding="utf-8")))
    for page, make in PAGES.items():
        files.append(File.generated(config, page, content=make()))
    pages = {file.src_uri: file.content_string for file in files.documentation_pages()}
    config.nav = expanded(config.nav, pages)
    for path in sorted({path for page, text in pages.items() for path in targets(text, page, in_repository)}):
        place = place_of(path, in_repository)
        assert place is not None, f"{path} was found in the repository"
        files.append(_file(config, path, place, in_repository))
    return files


def _file(config: Any, path: str, place: str, in_repository: frozenset[str]) -> File:
    """What the site shows of a file or folder that is no page."""
    if not place.endswith(".md"):
        return File.generated(config, place, abs_src_path=str(ROOT / path))
    if path in in_repository:
        content = source_page(path, (ROOT / path).read_text(encoding="utf-8"))
    else:
        content = listing(path, in_repository)
    return File.generated(config, place, content=content, inclusion=InclusionLevel.NOT_IN_NAV)


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Read the page as GitHub does, and lead links to where the site has what they name."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]  # it would name this page alone
    return rewritten(as_python_markdown(markdown), page.file.src_uri, tracked())


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    """Replace TeX by MathML."""
    return with_mathml(html)
