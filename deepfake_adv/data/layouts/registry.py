"""Every layout by its name in params: `datasets.<name>.layout`."""

import inspect
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from deepfake_adv.data.layouts.base import Layout
from deepfake_adv.data.layouts.celebdf import CelebDF
from deepfake_adv.data.layouts.csv_table import Table
from deepfake_adv.data.layouts.deeperforensics import DeeperForensics
from deepfake_adv.data.layouts.dfd import DeepFakeDetection
from deepfake_adv.data.layouts.dfdc import DFDC
from deepfake_adv.data.layouts.dfdc_preview import DFDCPreview
from deepfake_adv.data.layouts.faceforensics import FaceForensics
from deepfake_adv.data.layouts.lst import ReleaseLists
from deepfake_adv.data.layouts.sladd import Sladd

LAYOUTS: Final[Mapping[str, type[Layout]]] = MappingProxyType(
    {
        "faceforensics": FaceForensics,
        "dfd": DeepFakeDetection,
        "celebdf": CelebDF,
        "dfdc": DFDC,
        "dfdc_preview": DFDCPreview,
        "deeperforensics": DeeperForensics,
        "sladd": Sladd,
        "lst": ReleaseLists,
        "csv": Table,
    }
)


def build_layout(name: str, root: Path | str, forgeries: Sequence[str], options: Mapping[str, Any]) -> Layout:
    """Make the layout that params name.

    Args:
        name: Key of `LAYOUTS`.
        root: The dataset's folder.
        forgeries: Forgeries to expect; a layout with one kind of fake of its own takes none.
        options: The layout's further arguments.

    Raises:
        ValueError: If the layout or an option is unknown, or an option is lacking.
    """
    if name not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}; got {name!r}.{_hint(name, LAYOUTS)}")
    known = dict(inspect.signature(LAYOUTS[name]).parameters)
    given = {"root": root, **options}
    if "forgeries" in known:
        given["forgeries"] = forgeries
    names = [key for key in known if key not in ("root", "forgeries")]
    for option in options:
        if option not in names:
            listed = ", ".join(names) or "none"
            raise ValueError(f"options of layout {name} must be of {listed}; got {option!r}.{_hint(option, names)}")
    lacking = [key for key, value in known.items() if value.default is inspect.Parameter.empty and key not in given]
    if lacking:
        raise ValueError(f"layout {name} needs options.{', options.'.join(lacking)}; got none. Add it to params.")
    return LAYOUTS[name](**given)


def _hint(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else " Mend it in params.yaml."
