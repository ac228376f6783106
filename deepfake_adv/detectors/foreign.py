"""Other people's networks as detectors: ``py:<module>:<factory>``, from a file of the user's own."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from deepfake_adv.detectors.base import Detector, TrainingTerms
from deepfake_adv.detectors.registry import register_detector
from deepfake_adv.names import FAKE_LABEL
from deepfake_adv.registry import ANY, PY, ROOT
from deepfake_adv.suggestions import did_you_mean

RGB: Final = 3


def _checked(model: str) -> str:
    """`<module>:<factory>`, if there is such a module; it is not imported."""
    module, _, factory = model.partition(ANY)
    if not factory.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(
            f"name must be {PY}<module>:<factory>; got {PY + model!r}. Write {PY}mine:make for the function make in "
            "mine.py beside params.yaml."
        )
    if not _places(module):
        raise ValueError(
            f"name must be that of a module in the project's folder; got {PY + model!r}, and there is no "
            f"{module.replace('.', '/')}.py in {ROOT}. Put it there, or correct the name."
        )
    return model


def _places(module: str) -> list[Path]:
    place = ROOT.joinpath(*module.split("."))
    return [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]


Factory = Annotated[str, AfterValidator(_checked)]


@register_detector("py:")
class Foreign(Detector):
    """Any network whose code is in the user's own file, such as another project's detector.

    ``py:mine:make`` calls `make` of mine.py beside params.yaml with `arguments`. It returns either a `Detector`, which
    is used as it is, or any module from images ``(B, 3, H, W)`` to logits: ``(B, 2)``, or ``(B,)`` or ``(B, 1)`` for
    one class. The images are RGB in [0, 1], from which `mean` is subtracted before they are divided by `std`. A module
    has no feature map of its own. The images stand for it, so a method that reads feature maps (`sladd`) needs a
    `Detector`.

    Raises:
        ValueError: If there is no such module or factory, it raises an error or returns something else, or it cannot
            take ``image_size``.
    """

    class Params(Detector.Params):
        """Arguments of ``py:<module>:<factory>``."""

        model: Factory = Field(description="Module in the project's folder, and the function or class in it.")
        arguments: dict[str, Any] = Field(default_factory=dict, description="Keywords of the factory.")
        fake: Literal[0, 1] = Field(
            FAKE_LABEL,
            description="Which class is fake; a single logit is that of the fake (1) or of the real (0).",
        )
        mean: tuple[float, float, float] = Field((0.0, 0.0, 0.0), description="Subtracted from RGB images in [0, 1].")
        std: tuple[float, float, float] = Field((1.0, 1.0, 1.0), description="What they are divided by then.")

    tiny = ({"name": "py:deepfake_adv.detectors.compact:Compact", "arguments": {"width": 4}},)

    def __init__(self, **given: Any) -> None:
        params = self.Params.read(given)
        super().__init__(mean=params.mean, std=params.std)
        self.source = PY + params.model
        self.fake = params.fake
        self.net = _make(params.model, params.arguments)
        self.feature_channels = RGB
        if isinstance(self.net, Detector):
            if meant := sorted({"mean", "std", "fake"} & params.model_fields_set - _defaults(params)):
                raise ValueError(
                    f"{', '.join(meant)} must not be given for {self.source}, which makes a Detector; got "
                    f"{[getattr(params, name) for name in meant]}. Remove them: it normalises images by itself."
                )
            self.feature_channels, self.min_size = self.net.feature_channels, self.net.min_size
            self.clip_length, self.needs_masks = self.net.clip_length, self.net.needs_masks
        if params.image_size is not None:
            self.check_size(params.image_size, params.image_size)

    def check_size(self, height: int, width: int) -> None:
        """Check that a `Detector` of the user's accepts this size; other modules are asked by their first images."""
        if isinstance(self.net, Detector):
            self.net.check_size(height, width)

    def features(self, images: Tensor) -> Tensor:
        """See `Detector.features`; clips for a detector of clips."""
        return self.net.features(images) if isinstance(self.net, Detector) else super().features(images)

    def extract(self, normalised: Tensor) -> Tensor:
        """The feature map of a `Detector` of the user's; for other modules the images themselves."""
        return self.net.features(normalised) if isinstance(self.net, Detector) else normalised

    def classify(self, features: Tensor) -> Tensor:
        """Logits ``(B, 2)``.

        Raises:
            ValueError: If the module gives no logits of one or two classes.
        """
        if isinstance(self.net, Detector):
            return self.net.classify(features)
        logits, count = self.net(features), features.shape[0]
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        if shape in ((count,), (count, 1)):
            logits = logits.reshape(-1, 1)
            logits = torch.cat([torch.zeros_like(logits), logits], 1)
        elif shape != (count, 2):
            raise ValueError(
                f"{self.source} must give logits (B, 2), (B, 1) or (B,); got {shape} for {count} images. "
                "Let the factory return a module that gives its logits alone."
            )
        result: Tensor = logits if self.fake == FAKE_LABEL else logits.flip(1)
        return result

    def training_terms(self, images: Tensor, labels: Tensor, masks: Tensor | None) -> TrainingTerms:
        """Those of a `Detector` of the user's, auxiliary losses included; else the logits alone."""
        if isinstance(self.net, Detector):
            return self.net.training_terms(images, labels, masks)
        return super().training_terms(images, labels, masks)

    def end_epoch(self) -> None:
        """Call that of a `Detector` of the user's."""
        if isinstance(self.net, Detector):
            self.net.end_epoch()


def _defaults(params: Foreign.Params) -> set[str]:
    """Keys that have their default values."""
    fields = type(params).model_fields
    return {name for name, field in fields.items() if getattr(params, name) == field.default}


def _make(model: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Call the factory.

    Raises:
        ValueError: If there is none, it raises an error, or returns no module.
    """
    module, _, factory = model.partition(ANY)
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    try:
        imported = import_module(module)
    except Exception as error:  # whatever the user's file raises
        raise ValueError(
            f"{PY}{model} must name a module that can be imported; got {type(error).__name__}: {error}. Correct "
            f"{module.replace('.', '/')}.py."
        ) from error
    if Path(str(imported.__file__)).resolve() not in [path.resolve() for path in _places(module)]:
        raise ValueError(
            f"{PY}{model} must be the module in the project's folder; got {imported.__file__}, which has the same "
            "name. Rename yours."
        )
    if not callable(getattr(imported, factory, None)):
        known = [name for name in vars(imported) if not name.startswith("_")]
        raise ValueError(
            f"{PY}{model} must name a function or a class; {module} has no {factory}."
            f"{did_you_mean(factory, known, 'Write it there.')}"
        )
    try:
        made = getattr(imported, factory)(**arguments)
    except Exception as error:  # whatever the user's code raises
        raise ValueError(
            f"{PY}{model} must make a network of `arguments`; got {type(error).__name__}: {error}. Correct them, or "
            f"{module.replace('.', '/')}.py."
        ) from error
    if not isinstance(made, nn.Module):
        raise ValueError(f"{PY}{model} must return a torch module; got {type(made).__name__}. Return the network.")
    return made
