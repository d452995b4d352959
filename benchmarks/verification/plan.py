"""`metarl verify --all`: which stored results are to be made again here, and which cannot or need not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.specs.job import AnyJob
from benchmarks.specs.machine import this_machine
from benchmarks.specs.recorded_code import refuse_unnamed
from benchmarks.specs.run_spec import known_suite
from benchmarks.specs.time_estimates import learn_rates
from benchmarks.specs.unloaded_spec import UnloadedSpec
from benchmarks.verification.proofs import Today, attestations_of
from environments.suite import DataMissing
from environments.typed_options import UsageError, nearest
from results.attestations import Attestation, Evidence
from results.files import StoreError
from results.identity import base_name, digest_of
from results.store import KINDS, Store, Stored

#: what has changed where a part of an identity is another today
CHANGED = {"split_digest": "the suite's tasks have", "suite_digest": "the suite has", "suites": "a suite has"}


@dataclass(frozen=True)
class Selection:
    """Which results of a store; None: all.  sample: one run a cell, see `Plan.cells`."""

    suites: Sequence[str] | None = None
    algorithms: Sequence[str] | None = None
    profile: str | None = None
    sample: bool = False


@dataclass(frozen=True, eq=False)
class Item:
    """A stored result.  `place`: its path within the store.  `reason`: why it cannot be made again here, or empty."""

    stored: Stored
    place: str
    spec: AnyJob | None = None
    reason: str = ""
    attestations: tuple[Attestation, ...] = ()

    @property
    def code(self) -> str:
        """Digest of today's code."""
        return (self.spec.code if self.spec is not None else None) or ""

    @property
    def label(self) -> str:
        return f"{self.spec.label if self.spec is not None else ''} ({self.stored.digest[:12]})"

    def made_by_todays_code(self, machine: str | None = None) -> bool:
        """Whether an attestation says that today's code made it again, on that machine (on any if None)."""
        return any(
            entry.code == self.code and machine in (None, entry.machine["id"])
            for entry in Evidence(self.stored, self.attestations).makings
        )

    def expected_seconds(self) -> float:
        return self.spec.expected_seconds(learn_rates([self.stored])) if self.spec is not None else 0.0


@dataclass
class Cell:
    """Results of which one speaks for the others: an algorithm's on one family of suites, or a study's seeds."""

    items: list[Item]
    proven_by: Item | None  # one that today's code made again before

    def candidates(self) -> list[Item]:
        """Those that can be made again here, the cheapest first."""
        possible = [item for item in self.items if not item.reason]
        return sorted(possible, key=lambda item: (_processor_seconds(item.stored), item.place))


@dataclass
class Plan:
    """`to_make` is made again, `done` today's code made here before, `impossible` cannot be made here.

    `cells`: with a sample, each with the item that is to be made, if there is one.  `problems`: a line each on damage.
    """

    to_make: list[Item] = field(default_factory=list)
    done: list[Item] = field(default_factory=list)
    impossible: list[Item] = field(default_factory=list)
    cells: list[tuple[Cell, Item | None]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def require_results(root: Path) -> None:
    """Raises UsageError if the folder is no store, which takes no reading."""
    if not any((root / kind.home).is_dir() for kind in KINDS):
        raise _nothing_in(root)


def plan_verification(root: Path, choice: Selection) -> Plan:
    """Sorts the store's results.  Raises UsageError if there are none, or none of a given name."""
    store, today = Store(root, read_only=True), Today()
    everything = store.read(*KINDS, skip_corrupt=True)
    plan = Plan(problems=store.problems)
    if not everything and not plan.problems:
        raise _nothing_in(root)
    _check_names(everything, choice)
    items = [_item(entry, root, today) for entry in everything if _is_chosen(entry, choice)]
    machine = this_machine()["id"]
    if choice.sample:
        _sample(items, plan)
        return plan
    for item in items:
        if item.reason:
            plan.impossible.append(item)
        elif item.made_by_todays_code(machine):
            plan.done.append(item)
        else:
            plan.to_make.append(item)
    return plan


def _nothing_in(root: Path) -> UsageError:
    return UsageError(f"no finished run or study is stored in {root}; name a folder that holds `runs`")


def _sample(items: Sequence[Item], plan: Plan) -> None:
    cells: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        cells.setdefault(_cell_of(item.stored), []).append(item)
    for members in (group for cell in cells.values() for group in _of_one_time(cell)):
        proven = [item for item in members if not item.reason and item.made_by_todays_code()]
        cell = Cell(members, proven[0] if proven else None)
        candidates = cell.candidates()
        plan.impossible += [item for item in members if item.reason]
        if cell.proven_by is not None:
            plan.done.append(cell.proven_by)
            plan.cells.append((cell, None))
        elif candidates:
            plan.to_make.append(candidates[0])
            plan.cells.append((cell, candidates[0]))


def _of_one_time(members: Sequence[Item]) -> list[list[Item]]:
    """Those among which one may speak for the others: made before the same changes of the code, as far as it shows.

    Digests tell codes apart on one suite alone.  Where one suite's records are of several codes, or some of the cell's
    are of today's, others may be older than a change that today's code repeats faithfully: then each suite and code
    speaks for itself.
    """
    older = [item for item in members if item.stored.identity["code"] != item.code]
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in older:
        groups.setdefault((*item.stored.suites, item.stored.identity["code"]), []).append(item)
    suites = {key[:-1] for key in groups}
    return [older] if older and len(older) == len(members) and len(suites) == len(groups) else list(groups.values())


def _cell_of(stored: Stored) -> tuple[str, ...]:
    source = str(stored.run["provenance"].get("source"))  # two loose files may have one name
    return stored.word, stored.name, source, stored.run["description"].get("family", stored.digest)


def _item(stored: Stored, root: Path, today: Today) -> Item:
    place = stored.path.relative_to(root).as_posix()
    try:
        spec, identity = today.spec(stored), today.identity(stored)
        if isinstance(spec, UnloadedSpec):
            refuse_unnamed(spec.source)
    except UsageError as error:
        return Item(stored, place, None, str(error))
    return Item(stored, place, spec, _departure(stored, spec, identity), tuple(attestations_of(stored)))


def _departure(stored: Stored, spec: AnyJob, identity: dict[str, Any]) -> str:
    """In what else than its code the result would be another today, or which data are missing; empty if in nothing."""
    then = stored.identity
    for package, version in then["versions"].items():
        if version != identity["versions"].get(package):
            return f"{package} {version} then, {identity['versions'].get(package)} here"
    here = ", ".join(filter(None, (known_suite(name).data_source for name in spec.suites)))
    data = stored.run["provenance"].get("data") or ""
    for key in [*CHANGED, *identity]:
        if key in identity and key != "code" and digest_of(then.get(key)) != digest_of(identity[key]):
            if (data or here) and key in ("suite_digest", "suites"):
                return f"other data: {data or 'none'} then, {here or 'none'} here"
            return f"{CHANGED.get(key, f'its {key} has')} changed since"
    try:
        for name in spec.suites:
            known_suite(name).check_data()
    except DataMissing as missing:
        return str(missing)
    return ""


def _check_names(everything: Sequence[Stored], choice: Selection) -> None:
    known = {
        "suite": {name for entry in everything for name in _suites_of(entry)},
        "algorithm": {name for entry in everything for name in _algorithms_of(entry)},
        "profile": {entry.profile for entry in everything},
    }
    given = {"suite": choice.suites, "algorithm": choice.algorithms, "profile": [choice.profile] * bool(choice.profile)}
    for kind, names in given.items():
        for name in names or ():
            if name not in known[kind]:
                raise UsageError(f"nothing of {kind} {name!r} is stored there; {nearest(str(name), known[kind])}")


def _is_chosen(stored: Stored, choice: Selection) -> bool:
    return (
        (choice.suites is None or bool(_suites_of(stored) & set(choice.suites)))
        and (choice.algorithms is None or bool(_algorithms_of(stored) & set(choice.algorithms)))
        and choice.profile in (None, stored.profile)
    )


def _suites_of(stored: Stored) -> set[str]:
    """Full names, and those without options."""
    return {*stored.suites, *map(base_name, stored.suites)}


def _algorithms_of(stored: Stored) -> set[str]:
    return {stored.name, *stored.algorithms}


def _processor_seconds(stored: Stored) -> float:
    try:
        return float(stored.timing["process_seconds"].sum())
    except (StoreError, KeyError):  # a damaged table of times costs the best choice, no result
        return float("inf")
