"""Decisions made look by look (`metarl leaderboard --until-decided`), kept with the runs that they are of.

`<root>/decisions/<digest12>.json`, one file for each suite, budget, protocol and set of configurations, so that stores
merge by copying and no report is needed to remember them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from results.files import StoreError, make_folder, read_json, write_json
from results.identity import DIGITS, digest_of
from results.record_schema import Check, by_name, first_wrong, list_of, name, number, one_of, or_none, text, whole

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


_PAIR: dict[str, Check] = {
    "first": name, "second": name, "outcome": one_of("first higher", "second higher", "undecided", "not yet"),
    "p": number(0, 1), "seeds": or_none(whole(1)),
}  # fmt: skip
_FIELDS: dict[str, Check] = {
    "suite": name, "profile": name, "budget": whole(1), "protocol": by_name(whole(0)), "alpha": number(0, 1),
    "looks": list_of(whole(1)), "looks_used": list_of(whole(1)), "algorithms": by_name(name),
    "left_out": by_name(text), "pairs": list_of(lambda pair: _wrong(pair, _PAIR)),
}  # fmt: skip


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


def read_decisions(root: Path) -> tuple[list[SequentialDecisions], list[str]]:
    """All that a results folder holds, by suite, budget and file name; and a line for each file that is damaged."""
    found, problems = list[tuple[Path, Any]](), list[str]()
    for path in sorted((Path(root) / HOME).glob("*.json")):
        try:
            content = read_json(path)
            if wrong := _wrong(content, _FIELDS):
                raise StoreError(f"{path} is damaged: {wrong}; delete it, and `--until-decided` writes it again")
            found.append((path, content))
        except StoreError as error:
            problems.append(str(error))
    found.sort(key=lambda item: (item[1]["suite"], item[1]["budget"], item[0].name))
    return [content for _, content in found], problems


def _wrong(value: Any, fields: dict[str, Check]) -> str:
    said = first_wrong(value, fields)
    return f".{said}" if said and fields is _PAIR else said
