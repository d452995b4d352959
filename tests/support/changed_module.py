"""A module with one statement more, as the digests of code see it; the file itself stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.specs.code_digest import located


def change_module(module: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the changed copy, in `folder`, which roots of a closure must be given, since they name their files."""
    original = located(module)
    assert original is not None
    changed = folder / original.name
    changed.write_text(original.read_text() + "\nanother = 1\n")
    monkeypatch.setattr(
        "benchmarks.specs.code_digest.located", lambda name: changed if name == module else located(name)
    )
    monkeypatch.setattr("benchmarks.specs.code_digest._digests", {})
    monkeypatch.setattr("benchmarks.specs.code_digest._closures", {})
    return changed
