"""What every section of params.yaml has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Part of params.yaml: unknown keys are refused, values do not change once read.

    Sections have no defaults: every choice stands in the file, with its comment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
