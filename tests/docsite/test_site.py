"""The built site in a browser, opened from its folder."""

import pytest

from docsite.pages import ROOT

pytestmark = pytest.mark.slow
SITE = ROOT / "site"
WIDTHS = (1400, 380)


@pytest.fixture
def visit(browser):
    if not (SITE / "index.html").is_file():
        pytest.skip("the site is not built: make docs")
    contexts = []

    def load(page, width=1400, scheme="light"):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme))
        tab = contexts[-1].new_page()
        tab.asked, tab.errors = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("pageerror", lambda error: tab.errors.append(str(error)))
        tab.goto((SITE / page).as_uri(), wait_until="load")
        return tab

    yield load
    for context in contexts:
        context.close()


def test_search_finds_a_key_of_params_without_a_server_or_network(visit):
    tab = visit("reference/command-line.html")
    tab.click(".md-search__input")
    tab.keyboard.type("checkpoint_minutes")
    tab.wait_for_selector(".md-search-result__item")
    assert "reference/params.html" in tab.get_attribute(".md-search-result__link >> nth=0", "href")
    assert [url for url in tab.asked if not url.startswith(("file:", "data:", "about:"))] == []
    assert tab.errors == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(visit, width):
    pages = [path.relative_to(SITE).as_posix() for path in sorted(SITE.rglob("*.html")) if "files" not in path.parts]
    tab = visit("index.html", width)
    wide = []
    for page in pages:
        tab.goto((SITE / page).as_uri(), wait_until="load")
        if tab.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(page)
    assert len(pages) > 20
    assert wide == []


def test_the_palette_follows_the_readers(visit):
    schemes = [
        visit("index.html", scheme=scheme).get_attribute("body", "data-md-color-scheme") for scheme in ("light", "dark")
    ]
    assert schemes == ["default", "slate"]
