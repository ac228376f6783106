"""Entries of `attacks` in `examples` and `robustness`: built by deepfake_adv.attacks.registry."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from deepfake_adv.params.base import Odd, Rule, Section, named

_Positive = Annotated[float, Field(gt=0)]
_UNSET: Any = None


class Entry(Section):
    """What every attack's entry has. What is left out is as the attack has it, and is not passed on."""

    name: str
    epsilon: _Positive = _UNSET
    steps: Annotated[int, Field(ge=1)] = _UNSET

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = dump(self)
        return {key: value for key, value in written.items() if key in self.model_fields_set}


class PgdEntry(Entry):
    """Projected gradient descent; pixels in [0, 1]."""

    name: Literal["pgd"]
    step_size: _Positive | None = None
    random_start: bool = _UNSET


class AdditiveEntry(Entry):
    """FGSM, at once or iterated; pixels in [0, 1]."""

    name: Literal["fgsm", "iterative_fgsm"]
    step_size: _Positive | None = None
    random_start: bool = _UNSET
    rule: Rule = _UNSET


class SpatialEntry(Entry):
    """stAdv; lengths in pixels."""

    name: Literal["stadv"]
    bound: _Positive = _UNSET
    tau: Annotated[float, Field(ge=0)] = _UNSET
    rule: Rule = _UNSET


class BlurEntry(Entry):
    """Adversarial blur, of one step or several."""

    name: Literal["blur", "blur_multistep"]
    start: _Positive = _UNSET  # 1/pixels
    kernel_size: Odd = _UNSET
    bound: _Positive | None = None  # in units of start
    rule: Rule = _UNSET


_Known = PgdEntry | AdditiveEntry | SpatialEntry | BlurEntry
NAMES = tuple(name for entry in get_args(_Known) for name in get_args(entry.model_fields["name"].annotation))

AttackEntry = Annotated[_Known, Field(discriminator="name"), named(NAMES)]
