"""Every layout by its name in params: `datasets.<name>.layout`.

A layout is one file: the class, its `Params` (the dataset's `options`) and ``@register_layout("name")``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deepfake_adv.datasets.layouts.base import Layout
from deepfake_adv.registry import Registry
from deepfake_adv.suggestions import check_keywords, did_you_mean

LAYOUTS: Final = Registry[type[Layout]]("layout")
register_layout = LAYOUTS.register


def build_layout(name: str, root: Path | str, forgeries: Sequence[str], options: Mapping[str, Any]) -> Layout:
    """Make the layout that params name.

    Args:
        name: Key of `LAYOUTS`.
        root: The dataset's folder.
        forgeries: Forgeries to expect; without effect on a layout with one kind of fake of its own.
        options: Fields of the layout's `Params`.

    Raises:
        ValueError: If the layout or an option is unknown, or an option is lacking.
    """
    if name not in LAYOUTS:
        hint = did_you_mean(name, LAYOUTS, "Name one of them.")
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}; got {name!r}.{hint}")
    layout = LAYOUTS[name]
    check_keywords(f"options of layout {name}", options, layout.Params.model_fields)
    return layout(root, forgeries, **options)
