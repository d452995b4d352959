"""Which stored study speaks to a paper's claim or figure, and its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reports.text.numbers import plural

if TYPE_CHECKING:
    import pandas as pd

    from results.store import StoredStudy


@dataclass(frozen=True, eq=False)
class ChosenStudy:
    """One study in one configuration, with all its seeds."""

    entries: tuple[StoredStudy, ...]  # by seed
    stale: bool
    others: tuple[str, ...] = ()  # digests of further configurations, which do not speak

    @property
    def digest(self) -> str:
        return self.entries[0].digest

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(entry.seed for entry in self.entries)

    @property
    def configuration(self) -> dict[str, Any]:
        return self.entries[0].configuration

    def on(self, base: str) -> dict[str, Any]:
        """The configuration on a suite, by its name without options: with what `per_suite`, where it is an option of
        the study, has for it, as in "hopper-velocity[budget=70,hidden=8:8]"."""
        own, texts = dict[str, Any](), self.configuration.get("per_suite")
        for text in texts if isinstance(texts, list) else []:
            name, _, options = str(text).partition("[")  # a stranger's record may hold anything
            if name == base:
                pairs = (pair.partition("=") for pair in options.rstrip("]").split(",") if pair)
                own |= {option: _value(value) for option, _, value in pairs}
        return {**self.configuration, **own}

    @cached_property
    def values(self) -> pd.DataFrame:
        """The rows of all seeds, with a column `seed`."""
        import pandas as pd

        return pd.concat([entry.values.assign(seed=entry.seed) for entry in self.entries], ignore_index=True)

    @property
    def terms(self) -> str:
        """How figures and tables call it."""
        first = self.entries[0]
        return f"{first.name} {first.digest[:12]}, profile {first.profile}, {plural(len(self.seeds), 'seed')}"

    def differences(self) -> tuple[str, ...]:
        """What a reader of its numbers must know, one sentence each."""
        said = [f"measured by {self.terms}"]
        if self.stale:
            said.append("code, software or data are others than when this was measured")
        if self.others:
            said.append(f"measured in other configurations too, not used here: {', '.join(self.others)}")
        return tuple(said)


def choose_studies(stored: Iterable[StoredStudy], stale: Collection[str]) -> dict[str, ChosenStudy]:
    """By name the configuration that says most: of today's code, the largest, then with most seeds."""
    groups: dict[str, dict[str, list[StoredStudy]]] = {}
    for entry in stored:
        groups.setdefault(entry.name, {}).setdefault(entry.shown_with or entry.digest, []).append(entry)
    chosen = {}
    for name, by_digest in sorted(groups.items()):
        ranked = sorted(by_digest.items(), key=lambda item: _rank(item[0], item[1], stale))
        digest, entries = ranked[0]
        others = tuple(sorted(other[:12] for other, _ in ranked[1:]))
        # a seed that was measured again by newer code is there twice: the last one stays
        by_age = sorted(entries, key=lambda entry: (entry.seed, entry.shown_with in (None, entry.digest)))
        ordered = tuple({entry.seed: entry for entry in by_age}.values())
        chosen[name] = ChosenStudy(ordered, digest in stale, others)
    return chosen


def _rank(digest: str, entries: list[StoredStudy], stale: Collection[str]) -> tuple[Any, ...]:
    return (digest in stale, -entries[0].expected_seconds, -len(entries), digest)


def _value(text: str) -> Any:
    """A number, a list of numbers as in 8:8, or the text itself."""
    try:
        numbers = [float(part) if set(part) & set(".eE") else int(part) for part in text.split(":")]
    except ValueError:
        return text
    return numbers if len(numbers) > 1 else numbers[0]
