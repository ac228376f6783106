"""The part of a source file that can change a result: its syntax tree, without texts for readers and users."""

import ast
import hashlib
from collections.abc import Iterator
from typing import Any, Final

from deepfake_adv.registry import PACKAGE

_IDLE_FIELDS: Final = frozenset({"ctx", "kind", "type_comment"})
_SUGGESTIONS: Final = f"{PACKAGE}.suggestions"
_FIELD: Final = "Field"  # pydantic's, whose description explains a key of params


def bytes_digest(content: bytes) -> str:
    """16 hex digits of bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def tree_digest(tree: ast.Module) -> str:
    """16 hex digits of a module's syntax tree, which is modified.

    Not included are comments, docstrings, explanations of keys, line breaks, log lines, the wording of errors and
    hints, and fields of the tree in which versions of Python differ.
    """
    return bytes_digest("\n".join(_lines(_Strip(tree).visit(tree))).encode())


class _Strip(ast.NodeTransformer):
    """Removes what cannot change a result."""

    def __init__(self, tree: ast.Module) -> None:
        self._suggestions = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == _SUGGESTIONS
            for alias in node.names
        }

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop docstrings, and lines that log."""
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return None
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            of = value.func.value
            if isinstance(of, ast.Name) and of.id == "logger":
                return None
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> Any:
        """Keep the error's class and its values, not its words."""
        return _Wordless().visit(self.generic_visit(node))

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Keep the assertion, not its message."""
        return ast.Assert(self.visit(node.test), None)

    def visit_Call(self, node: ast.Call) -> Any:
        """Drop the words of hints, and the explanation of a key."""
        named = node.func.id if isinstance(node.func, ast.Name) else ""
        if named == _FIELD:
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "description"]
        kept = self.generic_visit(node)
        return _Wordless().visit(kept) if named in self._suggestions else kept


class _Wordless(ast.NodeTransformer):
    """Empties strings; the values in formatted strings stay."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        values = [self.visit(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
        return ast.Tuple(values, ast.Load()) if values else ast.Constant("")


def _lines(node: Any) -> Iterator[str]:
    """A tree as text; empty fields are left out, since versions of Python differ in which they have."""
    if isinstance(node, ast.AST):
        yield type(node).__name__
        for name, value in ast.iter_fields(node):
            if name not in _IDLE_FIELDS and value is not None and value != []:
                yield f".{name}"
                yield from _lines(value)
        yield ";"
    elif isinstance(node, list):
        for each in node:
            yield from _lines(each)
    else:
        yield repr(node)
