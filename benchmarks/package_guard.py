"""The five packages have plain names: proof that each is this distribution's own before anything else is imported."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PACKAGES = ("algorithms", "benchmarks", "environments", "reports", "results")


def shadowed() -> str | None:
    """One line naming the first package that something else hides, and where; None if all are our own."""
    root = Path(__file__).resolve().parent.parent
    for package in PACKAGES:
        loaded = sys.modules.get(package)
        spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(package)
        own = root / package / "__init__.py"
        if spec is None or spec.origin is None:
            return f"package {package!r} is not installed; it belongs at {own.parent}: install metarl-bench again"
        if Path(spec.origin).resolve() != own:
            return (
                f"package {package!r} is hidden by {Path(spec.origin).parent}, found first on the module path; "
                f"the right one is {own.parent}: rename the other, or take its folder off PYTHONPATH"
            )
    return None
