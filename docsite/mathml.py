"""Formulas as MathML, which browsers draw without a script."""

import html
import re
from typing import Final

from latex2mathml.converter import convert

_INLINE: Final = re.compile(r'<span class="arithmatex">\\\((.+?)\\\)</span>', re.DOTALL)
_BLOCK: Final = re.compile(r'<div class="arithmatex">\s*\\\[(.+?)\\\]\s*</div>', re.DOTALL)


def with_mathml(page: str) -> str:
    """The page with its TeX, as `pymdownx.arithmatex` marks it, replaced.

    Args:
        page: HTML.

    Raises:
        ValueError: If a formula is no TeX that can be converted.
    """
    page = _BLOCK.sub(lambda found: f'<div class="formula">{_converted(found[1], "block")}</div>', page)
    return _INLINE.sub(lambda found: _converted(found[1], "inline"), page)


def _converted(escaped: str, display: str) -> str:
    tex = html.unescape(escaped).strip()
    try:
        return str(convert(tex, display=display))
    except Exception as error:  # the converter raises many classes of its own
        raise ValueError(f"a formula must be TeX that latex2mathml converts; got {tex!r}. Fix it: {error}.") from error
