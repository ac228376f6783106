"""Section `execution`: where per-video tasks and runs are executed."""

from typing import Literal

from pydantic import Field

from deepfake_adv.params.base import Section


class Execution(Section):
    """Changes speed, never results: no stage tracks it."""

    engine: Literal["local", "ray"]
    address: str | None
    workers: int = Field(ge=0)
