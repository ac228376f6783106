"""The pages of the reference, made from the code at each build."""

from docsite.reference import command_line, entries, files, measures, params, python, stages, tables


def reference_pages() -> dict[str, str]:
    """Page of the site -> its Markdown."""
    made = {
        "params": params.page(),
        **{name: entries.page(name) for name in entries.PAGES},
        "command-line": command_line.page(),
        "python": python.page(),
        "make": stages.make_page(),
        "stages": stages.page(),
        "tables": tables.page(),
        "files": files.page(),
        "metrics": measures.page(),
    }
    return {f"reference/{name}.md": text for name, text in made.items()}
