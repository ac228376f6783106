import pytest

from docsite.links import rewritten, targets
from docsite.pages import listing, source_page

FILES = frozenset(
    {
        "README.md",
        "LICENSE",
        "docs/dvc.md",
        "docs/concepts/game.md",
        "docs/images/a.png",
        "profiles/own.yaml",
        "reports/a.html",
    }
)


@pytest.mark.parametrize(
    ("page", "written", "led"),
    [
        ("index.md", "[a](docs/dvc.md#what-reruns)", "[a](dvc.md#what-reruns)"),
        ("index.md", "![a](docs/images/a.png)", "![a](images/a.png)"),
        ("index.md", '<img src="docs/images/a.png">', '<img src="images/a.png">'),
        ("index.md", '<a href="docs/dvc.md">', '<a href="dvc.html">'),
        ("index.md", "[a](LICENSE)", "[a](files/LICENSE.md)"),
        ("index.md", "[a](profiles/)", "[a](files/profiles/index.md)"),
        ("concepts/game.md", "[a](../../README.md)", "[a](../index.md)"),
        ("concepts/game.md", "[a](../../reports/a.html)", "[a](../files/reports/a.html)"),
        ("concepts/game.md", "see `profiles/own.yaml`.", "see [`profiles/own.yaml`](../files/profiles/own.yaml.md)."),
        ("concepts/game.md", "see `docs/dvc.md`.", "see [`docs/dvc.md`](../dvc.md)."),
        ("concepts/game.md", "[`profiles/own.yaml`](../dvc.md)", "[`profiles/own.yaml`](../dvc.md)"),
        ("dvc.md", "`docs/dvc.md` and [a](#b) and [c](https://example.org/README.md)", None),
        ("dvc.md", "[a](missing.md) and `[a](../README.md)`", None),
        ("dvc.md", "```\n[a](../README.md)\n```", None),
    ],
)
def test_links_lead_to_where_the_site_has_what_they_name(page, written, led):
    assert rewritten(written, page, FILES) == (written if led is None else led)


def test_files_that_are_no_pages_are_found():
    text = "[a](LICENSE), `profiles/own.yaml`, [b](docs/dvc.md), [c](profiles)\n```\n[d](reports/a.html)\n```"
    assert list(targets(text, "index.md", FILES)) == ["LICENSE", "profiles/own.yaml", "profiles"]


def test_pages_of_files_and_folders():
    assert "````python\n```\n````" in source_page("a.py", "```")
    assert listing("docs", FILES) == "# docs/\n\n- `concepts/game.md`\n- `dvc.md`\n- `images/a.png`\n"
