"""The parts of an algorithm's file that decide no run: docstrings, and in which space an option would be tuned.

Spaces are widened and reasons reworded long after a method was run; the values that a run had are in its record.
"""

from __future__ import annotations

import ast

SPACES = "algorithms.search_space"
DECLARATIONS = frozenset({"searched", "unsearched"})
#: what a declaration says beside the space: how records hold the option
RECORDED = frozenset({"earlier", "formerly"})
#: nodes that a docstring may begin
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def strip_undecided(tree: ast.Module) -> None:
    """Takes them out of the tree: `step_size: float = searched(0.1, LogRange(0.01, 1))` is `step_size: float = 0.1`.

    What a file imports from `algorithms.search_space` goes too, unless it uses it for anything else.
    """
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == SPACES]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    if DECLARATIONS & imported:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for field in node.body:
                    if isinstance(field, ast.AnnAssign) and field.value is not None:
                        field.value = _without_space(field.value, imported & DECLARATIONS)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not imported & used:
        tree.body = [node for node in tree.body if node not in imports]


def _without_space(value: ast.expr, declarations: frozenset[str] | set[str]) -> ast.expr:
    """The default of a declaration, an `option` where it says how records hold it; anything else as it is."""
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in declarations):
        return value
    if not value.args:
        return value
    kept = [keyword for keyword in value.keywords if keyword.arg in RECORDED]
    if not kept:
        return value.args[0]
    return ast.Call(ast.Name("option", ast.Load()), [value.args[0]], kept)
