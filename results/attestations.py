"""Attestations: who made a stored record's bytes again, with which code, and what that proves of today's code.

They lie beside the record, `attestations/<code12>-<machine12>.json`, one for each code and machine; the record itself
is never touched.  The code of an attestation is attested, that is, proven equal to the record's own for this run, if it
made the record's bytes, or the bytes that an attested code made elsewhere: on another processor the last bits of a
record may differ, but not between two codes that compute the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from results.files import StoreError, make_folder, read_json, sha256_of, write_json
from results.identity import DIGITS
from results.run_folder import ATTESTATIONS, DONE

SCHEMA = 1

State = Literal["own code", "attested", "by sample", "unverified", "stale", "differs"]
#: in which a record stands for what today's code would make
CURRENT: tuple[State, ...] = ("own code", "attested", "by sample")


class Record(Protocol):
    """A finished run or study."""

    @property
    def path(self) -> Path: ...
    @property
    def done(self) -> dict[str, Any]: ...
    @property
    def identity(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Attestation:
    """One making of a record again, or a mark that another run of its kind was made again in its place.

    `done`: SHA-256 of the bytes of the record's done.json.  `code`: digest of the code that made it.  `digests`: of the
    tables made, by name; empty for a mark.  `machine`: "id" and "processor" of `benchmarks.specs.machine`.
    `date`: UTC, ISO 8601.  `sample`: the run that was made instead, relative to the store.  `difference`: the first
    record that differs from what was to be expected.  `merged`: came from another store, so that it is hearsay here.
    """

    done: str
    code: str
    digests: dict[str, str]
    versions: dict[str, str]
    machine: dict[str, str]
    commit: str | None
    date: str
    sample: str | None = None
    difference: str | None = None
    merged: bool = False

    @property
    def file_name(self) -> str:
        return f"{self.code[:DIGITS]}-{self.machine['id'][:DIGITS]}.json"


@dataclass(frozen=True)
class Proof:
    """What is known of a stored record.

    "differs": today's code made other bytes, here or elsewhere.  "own code": made by today's.  "attested": today's was
    proven to make the same.  "by sample": it was so of another run of its kind.  "unverified": only merged attestations
    say so.  "stale": nothing does.
    `made_again`: how often the record's own bytes were, on how many `machines`; on another processor, where they come
    out otherwise, two codes may be proven equal without either.
    """

    state: State
    made_again: int = 0
    machines: int = 0

    @property
    def current(self) -> bool:
        return self.state in CURRENT


class Evidence:
    """What the attestations of a record prove.  hearsay: take merged ones as well."""

    def __init__(self, record: Record, attestations: Iterable[Attestation], hearsay: bool = False) -> None:
        attestations = list(attestations)
        done = fingerprint(record) if attestations else ""
        valid = [
            entry
            for entry in attestations
            if entry.done == done and entry.versions == record.identity["versions"] and (hearsay or not entry.merged)
        ]
        #: digests of proven code
        self.codes: set[str] = {record.identity["code"]}
        #: of code that was only tried on another run
        self.sampled = {entry.code for entry in valid if entry.sample is not None}
        #: of the bytes that proven code made, on whatever processor
        self.bytes = {_key(record.done["digests"])} if record.done else set()
        #: of code that made other bytes than were to be expected
        self.contradicted: set[str] = set()
        #: which of the attestations made such bytes
        self.makings: list[Attestation] = []
        waiting = [entry for entry in valid if entry.sample is None]
        while linked := [entry for entry in waiting if self._links(entry)]:
            for entry in linked:
                self.codes.add(entry.code)
                self.bytes.add(_key(entry.digests))
            self.makings += linked
            waiting = [entry for entry in waiting if entry not in linked]
        self.contradicted = {entry.code for entry in waiting if entry.difference is not None}

    def _links(self, entry: Attestation) -> bool:
        """Its bytes are those of proven code, or it is the first making by proven code on some processor."""
        return _key(entry.digests) in self.bytes or (entry.code in self.codes and entry.difference is None)

    def made_by_proven_code(self, processor: str) -> list[Attestation]:
        return [entry for entry in self.makings if entry.machine["processor"] == processor]

    def agrees(self, digests: Mapping[str, str]) -> bool:
        return _key(digests) in self.bytes

    def repeated(self, record: Record) -> tuple[int, int]:
        """How often the record's own bytes were made again, and on how many machines."""
        equal = [entry for entry in self.makings if _key(entry.digests) == _key(record.done["digests"])]
        return len(equal), len({entry.machine["id"] for entry in equal})


def prove(record: Record, code: str | None, attestations: Iterable[Attestation]) -> Proof:
    """What is known of the record where `code` is today's; None: there is none that would make it.

    The caller sees to it that everything else of its identity is today's.
    """
    attestations = list(attestations)
    evidence = Evidence(record, attestations)
    again, machines = evidence.repeated(record) if evidence.makings else (0, 0)
    state: State = "stale"
    if code in evidence.contradicted:
        state = "differs"
    elif code == record.identity["code"]:
        state = "own code"
    elif code in evidence.codes:
        state = "attested"
    elif code in evidence.sampled:
        state = "by sample"
    elif any(entry.merged for entry in attestations):
        hearsay = Evidence(record, attestations, hearsay=True)
        state = "unverified" if code in hearsay.codes | hearsay.sampled else "stale"
    return Proof(state, again, machines)


def fingerprint(record: Record) -> str:
    """What an attestation is of: SHA-256 of the record's done.json.  Raises StoreError if it cannot be read."""
    return sha256_of(record.path / DONE)


def read_attestations(path: Path) -> tuple[list[Attestation], list[str]]:
    """Those beside the record in the folder `path`, by name; and a line for each file that is none."""
    found, problems = list[Attestation](), list[str]()
    for file in sorted((path / ATTESTATIONS).glob("*.json")):
        try:
            entry = _parsed(file)
        except StoreError as error:
            problems.append(str(error))
            continue
        found.append(entry)
    return found, problems


def write_attestation(path: Path, attestation: Attestation) -> None:
    """Put it beside the record in the folder `path`, in place of one by the same code on the same machine.

    Raises StoreError if it cannot be written.
    """
    make_folder(path / ATTESTATIONS)
    write_json(path / ATTESTATIONS / attestation.file_name, {"schema": SCHEMA, **asdict(attestation)})


def merge_attestations(elsewhere: Path, path: Path) -> None:
    """Of those beside the record in the folder `elsewhere` take over what is said of the very bytes that are in `path`,
    unless the same code on the same machine is heard of already.

    What is said of a record elsewhere is hearsay here.
    """
    done = sha256_of(path / DONE)
    for attestation in read_attestations(elsewhere)[0]:
        if attestation.done == done and not (path / ATTESTATIONS / attestation.file_name).exists():
            write_attestation(path, replace(attestation, merged=True))


def _parsed(file: Path) -> Attestation:
    content = _read(file)
    kinds: dict[str, Any] = {
        **dict.fromkeys(("done", "code", "date"), str),
        **dict.fromkeys(("digests", "versions", "machine"), dict),
        **dict.fromkeys(("commit", "sample", "difference"), str | None),
        "merged": bool,
    }
    wrong = [key for key, kind in kinds.items() if key not in content or not isinstance(content[key], kind)]
    if content.get("schema") != SCHEMA:
        raise _ignored(file, f"its schema is {content.get('schema')!r}, this version reads {SCHEMA}")
    machine = content["machine"] if "machine" not in wrong else {}
    if not str(machine.get("id", "")).isalnum() or "processor" not in machine:
        wrong.append("machine")
    wrong += [key for key in ("digests", "versions", "machine") if key not in wrong and not _is_text(content[key])]
    if wrong or not content["code"].isalnum():  # both name a file
        raise _ignored(file, f"{', '.join(wrong) or 'code'} is missing or of another type")
    return Attestation(**{field.name: content[field.name] for field in fields(Attestation)})


def _is_text(mapping: Mapping[str, Any]) -> bool:
    return all(isinstance(value, str) for value in mapping.values())


def _read(file: Path) -> dict[str, Any]:
    try:
        content = read_json(file)
    except StoreError as error:
        raise _ignored(file, str(error).partition(": ")[2].partition(";")[0]) from error
    return content or {}


def _ignored(file: Path, why: str) -> StoreError:
    return StoreError(f"the attestation {file} is damaged: {why}; it counts for nothing, delete it")


def _key(digests: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(digests.items()))
