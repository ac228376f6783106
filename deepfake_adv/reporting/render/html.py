"""Tables as HTML fragments for the report: the page brings style and sorting."""

from pathlib import Path
from typing import Final

from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.render.template import load_template
from deepfake_adv.reporting.tables import Table

_TEMPLATE: Final = Path(__file__).with_name("table.jinja")


def html(table: Table) -> str:
    """One table as a ``<figure>``; every number carries its sorting key."""
    return load_template(_TEMPLATE).render(table=table, spec=table.spec, common=common) + "\n"
