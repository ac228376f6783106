"""The page in headless Chromium, with a server as a user starts it."""

import re

import pytest

from tests.serving.live import left, make_detector, make_files, running

pytestmark = pytest.mark.slow
pytest.importorskip("uvicorn", reason="the extra `serving` is not installed")
TOKEN = "a token of these tests"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="module")
def files(folder):
    return make_files(folder / "files")


@pytest.fixture(scope="module")
def address(folder, browser):
    detector = make_detector(folder / "detector")
    with running(detector, folder / "tmp") as (address, _):
        yield address


@pytest.fixture
def open_page(browser, address, folder):
    contexts = []

    def open_page(at=address, width=1000, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.faults = []
        page.on("console", lambda message: page.faults.append(message.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on(
            "request",
            lambda r: None if r.url.startswith((at.split("#")[0], "data:", "blob:")) else page.faults.append(r.url),
        )
        page.goto(at)
        page.wait_for_selector("#drop:visible")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert left(folder / "tmp") == []


def drop(page, *paths):
    """Choose files as a user does; gives each one's entry when it has ended."""
    before = page.locator("#results > li").count()
    page.set_input_files("#files", [str(path) for path in paths])
    entries = [page.locator("#results > li").nth(len(paths) - 1 - k) for k in range(len(paths))]
    for entry in entries:
        entry.locator("progress").wait_for(state="hidden", timeout=120_000)
    assert page.locator("#results > li").count() == before + len(paths)
    return entries


def test_a_video_is_scored_shown_and_downloaded(open_page, files, tmp_path):
    page = open_page()
    assert "Detector toy, trained on NT_c23" in page.locator("#about").inner_text()
    (entry,) = drop(page, files["video"])
    assert re.match(r"Score 0\.\d{3}; 1 of 1 people scored", entry.locator(".state").inner_text())
    frame = entry.frame_locator("iframe")
    assert frame.locator(".timeline svg").count() == 1
    assert frame.locator(".mark").count() == 8
    assert frame.locator(".faces img").count() == 8
    assert all(frame.locator("img").evaluate_all("images => images.map(image => image.naturalWidth > 0)"))
    assert entry.locator("iframe").bounding_box()["height"] > 500
    with page.expect_download() as download:
        entry.locator(".download").click()
    assert download.value.suggested_filename == "one.mp4.html"
    download.value.save_as(tmp_path / "one.html")
    assert "<h3>Person 1 " in (tmp_path / "one.html").read_text()
    assert page.faults == []


def test_a_result_is_printed_by_itself_with_what_is_folded(open_page, files, tmp_path):
    page = open_page()
    (entry,) = drop(page, files["video"])
    page.evaluate("() => { const frame = document.querySelector('iframe').contentWindow;"
                  " frame.print = () => { frame.printed = true; }; }")  # fmt: skip
    entry.locator(".print").click()
    assert page.evaluate("document.querySelector('iframe').contentWindow.printed")
    with page.expect_download() as download:
        entry.locator(".download").click()
    download.value.save_as(tmp_path / "one.html")
    page.emulate_media(media="print")
    assert entry.locator("iframe").is_hidden()
    assert entry.locator(".on-paper").is_visible()
    page.goto((tmp_path / "one.html").as_uri())
    assert page.locator(".params pre").is_visible()


def test_three_people_in_a_picture_each_have_a_score(open_page, files):
    (entry,) = drop(open_page(), files["three"])
    assert "3 of 3 people scored" in entry.locator(".state").inner_text()
    frame = entry.frame_locator("iframe")
    assert frame.locator(".person").count() == 3
    assert frame.locator(".view rect").count() == 3


def test_a_text_and_a_picture_of_nobody_fail_in_one_sentence(open_page, files):
    text, nobody = drop(open_page(), files["text"], files["nobody"])
    assert text.locator(".state").inner_text().startswith("notes.mp4 must be")
    assert "must show a face" in nobody.locator(".state").inner_text()
    assert nobody.locator(".state").inner_text().count("nobody.png") == 1
    assert text.locator("iframe").is_hidden()


def test_a_file_of_1_gb_is_refused_at_once(open_page, tmp_path):
    with open(tmp_path / "large.mp4", "wb") as stream:
        stream.truncate(2**30)
    page = open_page()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    (entry,) = drop(page, tmp_path / "large.mp4")
    assert "at most 536870912 bytes; got 1073741824" in entry.locator(".state").inner_text()
    assert sent == []


def test_two_clients_are_served(open_page, files):
    one, two = open_page(), open_page()
    for page in (one, two):
        page.set_input_files("#files", [str(files["video"]), str(files["three"])])
    for page in (one, two):
        for number in range(2):
            page.locator("#results > li .state", has_text="people scored").nth(number).wait_for(timeout=120_000)


def test_a_cancelled_file_and_a_closed_page_leave_nothing(open_page, files, folder, until):
    page = open_page()
    page.set_input_files("#files", [str(files["video"])] * 1)
    page.locator(".cancel:visible").click()
    page.locator(".state", has_text="Cancelled").wait_for()
    page.set_input_files("#files", [str(files["video"])])
    until(lambda: left(folder / "tmp"))
    page.close()
    until(lambda: left(folder / "tmp") == [])


@pytest.mark.parametrize("width", [380, 1400])
def test_nothing_overflows_sideways_in_light_and_dark(open_page, files, width):
    for scheme in ("light", "dark"):
        page = open_page(width=width, scheme=scheme)
        drop(page, files["three"])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        frame = page.frames[1]
        assert frame.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        colour = frame.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", colour))) > 600) == (scheme == "light")


def test_the_token_is_taken_from_the_address_or_asked_for(browser, folder, files, monkeypatch):
    monkeypatch.setenv("DEEPFAKE_ADV_TOKEN", TOKEN)
    with running(folder / "detector", folder / "tmp") as (address, _):
        assert address.endswith(f"#token={TOKEN}")
        context = browser.new_context()
        page = context.new_page()
        page.goto(address.split("#")[0])
        page.locator("#login").wait_for()
        assert page.locator("#drop").is_hidden()
        page.fill("#token", TOKEN)
        page.click("#login button")
        page.wait_for_selector("#drop:visible")
        other = context.new_page()
        other.goto(address.replace(" ", "%20"))
        other.wait_for_selector("#drop:visible")
        assert "#" not in other.url
        (entry,) = drop(other, files["three"])
        assert "3 of 3 people scored" in entry.locator(".state").inner_text()
        context.close()
