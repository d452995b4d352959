"""The parts of an algorithm's file that decide no run: docstrings, and in which space an option would be tuned.

Spaces are widened and reasons reworded long after a method was run; the values that a run had are in its record.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

SPACES = "algorithms.search_space"
DECLARATIONS = frozenset({"searched", "unsearched"})
#: what a declaration says beside the space: how records hold the option
RECORDED = frozenset({"earlier", "formerly"})
#: nodes that a docstring may begin
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def strip_undecided(tree: ast.Module) -> None:
    """Takes them out of the tree: `step_size: float = searched(0.1, LogRange(0.01, 1))` is `step_size: float = 0.1`.

    What a file imports from `algorithms.search_space` goes too, unless it uses it for anything else.  A declaration
    stays where a name in it is bound to anything else as well, or where evaluating it could do more than to declare.
    """
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    imports = [
        node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == SPACES and node.level == 0
    ]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    trusted = {alias.name for node in imports for alias in node.names if alias.asname is None} - _bound(tree, imports)
    if DECLARATIONS & trusted:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for field in node.body:
                    if isinstance(field, ast.AnnAssign) and field.value is not None:
                        field.value = _without_space(field.value, trusted)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not imported & used:
        tree.body = [node for node in tree.body if node not in imports]


def _bound(tree: ast.Module, imports: Sequence[ast.ImportFrom]) -> set[str]:
    """Names that the file binds otherwise than by these imports; all, where it imports what it does not name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom) and node not in imports:
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    named = {alias.name for node in imports for alias in node.names}
    return named if "*" in found else found


def _without_space(value: ast.expr, trusted: Collection[str]) -> ast.expr:
    """The default of a declaration, an `option` where it says how records hold it; anything else as it is.

    trusted: names that stand for what `algorithms.search_space` calls so.
    """
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name)):
        return value
    if value.func.id not in DECLARATIONS & set(trusted) or len(value.args) != 2:
        return value
    kept = [keyword for keyword in value.keywords if keyword.arg in RECORDED]
    spaces = [value.args[1], *(keyword.value for keyword in value.keywords if keyword not in kept)]
    if any(keyword.arg is None for keyword in value.keywords) or not all(_declares(space, trusted) for space in spaces):
        return value
    if not kept:
        return value.args[0]
    return ast.Call(ast.Name("option", ast.Load()), [value.args[0]], kept)


def _declares(space: ast.expr, trusted: Collection[str]) -> bool:
    """Whether evaluating it does nothing beside making a space or a reason."""
    for node in ast.walk(space):
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in trusted):
            return False
        if isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
            return False
    return True
