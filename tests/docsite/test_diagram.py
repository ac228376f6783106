import re

import pytest

from docsite.diagram import fence
from docsite.pages import ROOT


def test_layers_are_rows_of_boxes():
    source = """flowchart TB
        subgraph A[" "]
            direction LR
            a[one]
            b[[two]]
        end
        subgraph B[" "]
            c[3 > 2]
        end
        A --> B"""
    page = fence(source, "mermaid", "mermaid", {}, None)
    assert re.findall(r'<span class="box( double)?">(.+?)</span>', page) == [
        ("", "one"),
        (" double", "two"),
        ("", "3 &gt; 2"),
    ]
    assert page.count('<div class="row">') == 2


def test_another_diagram_is_refused():
    with pytest.raises(ValueError, match=r"must be subgraphs of boxes, .*got 'sequenceDiagram'.*as a picture"):
        fence("sequenceDiagram", "mermaid", "mermaid", {}, None)
    found = re.findall(r"^```mermaid\n(.+?)^```", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE | re.DOTALL)
    assert [fence(source, "mermaid", "mermaid", {}, None).count("row") > 10 for source in found] == [True]
