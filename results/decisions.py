"""Decisions made look by look (`metarl leaderboard --until-decided`), kept with the runs that they are of.

`<root>/decisions/<digest12>.json`, one file for each suite, budget, protocol and set of configurations, so that stores
merge by copying and no report is needed to remember them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from results.files import damaged, make_folder, read_json, write_json
from results.identity import DIGITS, digest_of

HOME = "decisions"


class DecidedPair(TypedDict):
    """outcome: "first higher", "second higher", "undecided", or "not yet" while seeds for a later look are missing.

    p: adjusted for all pairs and looks.  seeds: the look that decided it, None if none has.
    """

    first: str
    second: str
    outcome: str
    p: float
    seeds: int | None


class SequentialDecisions(TypedDict):
    """algorithms: by name the digest of its configuration.  looks: in seeds, as planned; looks_used: those taken.

    left_out: by name why an algorithm is none of the family.
    """

    suite: str
    profile: str
    budget: int
    protocol: dict[str, int]
    alpha: float
    looks: list[int]
    looks_used: list[int]
    algorithms: dict[str, str]
    left_out: dict[str, str]
    pairs: list[DecidedPair]


_KEYS = frozenset(SequentialDecisions.__annotations__)


def write_decisions(root: Path, decisions: SequentialDecisions) -> Path:
    """Keeps them in the results folder `root`, in place of earlier looks at the same configurations.

    Raises StoreError if they cannot be written.
    """
    terms = {key: decisions[key] for key in ("suite", "budget", "protocol", "algorithms")}
    folder = Path(root) / HOME
    make_folder(folder)
    path = folder / f"{digest_of(terms)[:DIGITS]}.json"
    write_json(path, dict(decisions))
    return path


def read_decisions(root: Path) -> list[SequentialDecisions]:
    """All that a results folder holds, by suite, budget and file name.  Raises StoreError naming a damaged file."""
    found: list[tuple[Path, Any]] = []
    for path in sorted((Path(root) / HOME).glob("*.json")):
        content = read_json(path)
        if content is None or not content.keys() >= _KEYS:
            raise damaged(path, f"it must hold {', '.join(sorted(_KEYS))}")
        found.append((path, content))
    found.sort(key=lambda item: (item[1]["suite"], item[1]["budget"], item[0].name))
    return [content for _, content in found]
