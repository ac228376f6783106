"""Detectors by name.

Every constructor imports its own file when called: timm takes three seconds to import, which a run of
`compact` need not wait for.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from deepfake_adv.detectors.base import Detector
from deepfake_adv.hints import did_you_mean

TIMM_PREFIX = "timm:"


def _compact(**params: Any) -> Detector:
    from deepfake_adv.detectors.compact import Compact

    return Compact(**params)


def _efficientnet(*, model: str = "tf_efficientnet_b7.ap_in1k", **params: Any) -> Detector:
    from deepfake_adv.detectors.backbone import TimmDetector

    if "efficientnet" not in model:
        raise ValueError(
            f"model must be one of timm's efficientnet models; got {model!r}. "
            f"Name the detector '{TIMM_PREFIX}{model}' to take any other model of timm's."
        )
    return TimmDetector(model, **params)


def _xception(*, model: str = "legacy_xception.tf_in1k", **params: Any) -> Detector:
    from deepfake_adv.detectors.backbone import TimmDetector

    if "xception" not in model:
        raise ValueError(
            f"model must be one of timm's xception models; got {model!r}. "
            f"Name the detector '{TIMM_PREFIX}{model}' to take any other model of timm's."
        )
    return TimmDetector(model, **params)


def _ffd(**params: Any) -> Detector:
    from deepfake_adv.detectors.ffd import Ffd

    return Ffd(**params)


def _multi_attention(**params: Any) -> Detector:
    from deepfake_adv.detectors.multi_attention import MultiAttention

    return MultiAttention(**params)


def _tsn(*, frame: Mapping[str, Any] | Detector, image_size: int | None = None, **params: Any) -> Detector:
    from deepfake_adv.detectors.tsn import Tsn

    if not isinstance(frame, Detector):
        frame = build_detector(**{**frame, "image_size": image_size or frame.get("image_size")})
    return Tsn(frame, image_size=image_size, **params)


DETECTORS: Final[Mapping[str, Callable[..., Detector]]] = MappingProxyType(
    {
        "compact": _compact,
        "efficientnet": _efficientnet,
        "xception": _xception,
        "ffd": _ffd,
        "multi_attention": _multi_attention,
        "tsn": _tsn,
    }
)


def build_detector(name: str, **params: Any) -> Detector:
    """Build the detector ``name`` with the rest of its params entry as keywords.

    Args:
        name: A key of `DETECTORS`, or ``timm:<model>`` for any model of timm's.
        params: The entry's other keys.

    Raises:
        ValueError: If no detector has this name, or a param has a value that the detector refuses.
    """
    if name.startswith(TIMM_PREFIX):
        from deepfake_adv.detectors.backbone import TimmDetector

        return TimmDetector(name.removeprefix(TIMM_PREFIX), **params)
    if name not in DETECTORS:
        hint = did_you_mean(name, DETECTORS, f"Any model of timm's is '{TIMM_PREFIX}<model>'.")
        raise ValueError(f"detector must be one of {', '.join(DETECTORS)}; got {name!r}.{hint}")
    return DETECTORS[name](**params)
