import sys

import pytest

from docsite.pages import ROOT

sys.path.append(str(ROOT / ".docs"))  # after the environment's own packages
pytest.importorskip("latex2mathml", reason="the site's packages are not installed: make docs")

from docsite.mathml import with_mathml


def test_formulas_become_mathml():
    page = with_mathml(
        r'<p><span class="arithmatex">\(x &lt; \sigma\)</span></p><div class="arithmatex">\[\frac{a}{b}\]</div>'
    )
    assert page.startswith("<p><math")
    assert "<mo>&#x0003C;</mo>" in page
    assert '<div class="formula"><math' in page
    assert "<mfrac>" in page
    assert "arithmatex" not in page


def test_a_formula_that_is_no_tex_is_named():
    with pytest.raises(ValueError, match=r"must be TeX that latex2mathml converts; got .*frac"):
        with_mathml(r'<span class="arithmatex">\(\frac{\)</span>')
