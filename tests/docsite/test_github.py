import pytest

from docsite.github import as_python_markdown


@pytest.mark.parametrize(
    ("github", "python_markdown"),
    [
        ("Rules:\n- a\n- b", "Rules:\n\n- a\n- b"),
        ("Rules:\n1. a\n2. b", "Rules:\n\n1. a\n2. b"),
        ("in\n2024. and more", "in\n2024. and more"),
        ("## Head\n| a |\n|---|", "## Head\n\n| a |\n|---|"),
        ("- a\n  more\n- b", "- a\n    more\n- b"),
        ("- a\n  - b\n    - c", "- a\n\n    - b\n\n        - c"),
        ("1. a\n\n   ```sh\n   x\n   ```\n2. b", "1. a\n\n    ```sh\n    x\n    ```\n\n2. b"),
        ("- a\n\n  more\n- b\n- c", "- a\n\n    more\n\n- b\n- c"),
        ("- a\n\ntext", "- a\n\ntext"),
        ("```\nx\n- y\n```", "```\nx\n- y\n```"),
        ("<details>\n\n- a", '<details markdown="1">\n\n- a'),
    ],
)
def test_a_page_is_read_as_on_github(github, python_markdown):
    assert as_python_markdown(github) == python_markdown
