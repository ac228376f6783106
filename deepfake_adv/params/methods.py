"""Section `methods`: entries built by deepfake_adv.methods.registry; one table row each."""

from typing import Any

from pydantic import ConfigDict

from deepfake_adv.params.base import Section


class MethodEntry(Section):
    """One method: the registry's name and its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str

    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return self.model_dump(exclude={"name"})
