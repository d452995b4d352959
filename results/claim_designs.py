"""What was written down of a paper's claims before their runs: the effects that the planned seeds can decide.

They are data (claim_designs.json), so that the runs that are judged change neither an effect nor a margin of equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from results.files import damaged, read_json, write_json

PATH = Path(__file__).parent / "claim_designs.json"


class ClaimDesign(TypedDict):
    """`effect` and `alone`: the smallest effect decided among all tests of the paper, and as its only one."""

    effect: float
    alone: float
    spread: float  # between seeds
    tests: int  # of the paper
    origin: str  # the runs that the spread is of
    quick: bool  # whether these were quick ones
    digests: list[str]  # of their configurations
    written: str  # on which day, as in 2026-11-22


def load_claim_designs(path: Path = PATH) -> dict[str, ClaimDesign]:
    """By the claim's id; empty if there is no file.  Raises StoreError naming an entry that is damaged."""
    content = read_json(path) or {}
    for claim, entry in content.items():
        if not _complete(entry):
            raise damaged(path, f"{claim!r} must hold {', '.join(_KINDS)}, not {entry!r}")
    return content


def write_claim_designs(designs: Mapping[str, ClaimDesign], path: Path = PATH) -> None:
    """Replaces the file, in the order of the claims' ids.  Raises StoreError if it cannot be written."""
    write_json(path, {claim: designs[claim] for claim in sorted(designs)})


def _complete(entry: object) -> bool:
    if not isinstance(entry, dict) or set(entry) != set(_KINDS):
        return False
    if not all(type(entry[name]) in kinds for name, kinds in _KINDS.items()):
        return False
    sizes = all(0 <= entry[name] < float("inf") for name in ("effect", "alone", "spread", "tests"))
    return sizes and all(isinstance(digest, str) for digest in entry["digests"])


_NUMBER = (int, float)
_KINDS: dict[str, tuple[type, ...]] = {
    "effect": _NUMBER,
    "alone": _NUMBER,
    "spread": _NUMBER,
    "tests": (int,),
    "origin": (str,),
    "quick": (bool,),
    "digests": (list,),
    "written": (str,),
}
