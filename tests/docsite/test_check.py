from docsite.check import faults


def test_what_leads_nowhere_or_comes_from_elsewhere_is_named(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/index.html").write_text('<h1 id="top">B</h1><a href="../a.html#no"></a><a href="../a.html#is"></a>')
    (tmp_path / "a.html").write_text(
        '<p id="is"></p><a href="b/"></a><a href="b/#top"></a><a href="c.html"></a><a href="#is"></a>'
        '<a href="https://example.org"></a><img src="data:,"><script src="https://example.org/x.js"></script>'
    )
    assert list(faults(tmp_path)) == [
        "a.html must link to what is there; got c.html. Correct the link.",
        "a.html must load nothing from elsewhere; got https://example.org/x.js. Put it into the site.",
        "b/index.html must link to an anchor of its target; got ../a.html#no. Correct the anchor.",
    ]
