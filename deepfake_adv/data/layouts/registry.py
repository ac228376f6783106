"""Every layout by its name in params: `datasets.<name>.layout`."""

import inspect
from collections.abc import Mapping, Sequence
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
from deepfake_adv.hints import check_keywords, did_you_mean

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
        hint = did_you_mean(name, LAYOUTS, "Name one of them.")
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}; got {name!r}.{hint}")
    known = dict(inspect.signature(LAYOUTS[name]).parameters)
    given = {"root": root, **options}
    if "forgeries" in known:
        given["forgeries"] = forgeries
    names = [key for key in known if key not in ("root", "forgeries")]
    check_keywords(f"options of layout {name}", options, names)
    lacking = [key for key, value in known.items() if value.default is inspect.Parameter.empty and key not in given]
    if lacking:
        raise ValueError(f"layout {name} needs options.{', options.'.join(lacking)}; got none. Add it to params.")
    return LAYOUTS[name](**given)
