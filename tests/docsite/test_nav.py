import pytest
from ruamel.yaml import YAML

from docsite.nav import expanded, named
from docsite.pages import FROM_THE_ROOT, ROOT, tracked
from docsite.reference.pages import PAGES


def test_a_pattern_stands_for_the_pages_that_nothing_before_it_names():
    nav = [
        {"One": "index.md"},
        {"Two": ["two/b*.md", "two/*.md", "three.md"]},
        {"Three": "three/*.md"},
        {"Rest": ["*.md"]},
    ]
    pages = ["index.md", "three.md", "two/b.md", "two/a.md", "two/deep/c.md", "last.md"]
    assert expanded(nav, pages) == [
        {"One": "index.md"},
        {"Two": ["two/b.md", "two/a.md", "three.md"]},
        {"Rest": ["last.md"]},
    ]


@pytest.fixture
def contents():
    yaml = YAML(typ="safe")
    yaml.constructor.add_multi_constructor("tag:yaml.org,2002:python", lambda *_: None)
    return yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]


def test_every_page_is_in_the_contents_once(contents):
    files = tracked()
    pages = {path.removeprefix("docs/") for path in files if path.startswith("docs/") and path.endswith(".md")}
    pages |= {*FROM_THE_ROOT.values(), *PAGES}
    listed = named(expanded(contents, pages))
    assert len(pages) > 25
    assert sorted(listed) == sorted(pages)
