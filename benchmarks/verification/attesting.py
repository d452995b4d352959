"""What a run that was made again says of the stored one, and the attestation that says so beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from benchmarks.specs.machine import processor, processor_text, this_machine
from benchmarks.specs.provenance import changed_paths, checkout
from benchmarks.verification.proofs import attestations_of
from benchmarks.verification.record_difference import first_difference
from environments.typed_options import UsageError
from results.attestations import Attestation, Evidence, fingerprint, write_attestation
from results.store import Stored

Outcome = Literal["every byte equal", "equal to what the recorded code made", "differs", "not checkable here"]
EQUAL: Outcome = "every byte equal"
LINKED: Outcome = "equal to what the recorded code made"
DIFFERS: Outcome = "differs"
ELSEWHERE: Outcome = "not checkable here"
#: how many changed paths a refusal names
NAMED = 3


@dataclass(frozen=True)
class Judgement:
    """`why`: the first record that differs, or why nothing can be said here; empty where all agrees."""

    outcome: Outcome
    why: str = ""

    @property
    def agrees(self) -> bool:
        return self.outcome in (EQUAL, LINKED)


def judge(stored: Stored, made: Stored) -> Judgement:
    """Compares the record with the run that was made here.

    Other bytes than the record's are equal to what the recorded code made if a proven code made them before.  Where
    none has run on this processor and the record comes from another one, nothing can be said.
    """
    if made.done["digests"] == stored.done["digests"]:
        return Judgement(EQUAL)
    evidence = Evidence(stored, attestations_of(stored))
    if evidence.agrees(made.done["digests"]):
        return Judgement(LINKED)
    difference = first_difference(stored, made)
    if difference is None:
        return Judgement(ELSEWHERE, "every record agrees, the files differ in how they were written (another pyarrow)")
    moved = processor_departure(stored)
    if moved is not None and not evidence.made_by_proven_code(processor_text()):
        return Judgement(ELSEWHERE, moved)
    return Judgement(DIFFERS, difference)


def attest(stored: Stored, made: Stored, judgement: Judgement, commit: str | None) -> None:
    """Writes what was made here beside the record, unless the judgement says nothing.

    commit: of the code that made it.  Raises StoreError if it cannot be written.
    """
    if judgement.outcome != ELSEWHERE:
        attestation = _attestation(stored, made.identity["code"], commit, made.done["digests"])
        write_attestation(stored.path, replace(attestation, difference=judgement.why or None))


def attest_by_sample(stored: Stored, code: str, sample: str, commit: str | None) -> None:
    """Marks the record as standing by the sample, a run of its kind that was made again to equal bytes.

    code: what today's is for this record.  sample: the path within the store.  Raises StoreError.
    """
    write_attestation(stored.path, replace(_attestation(stored, code, commit, {}), sample=sample))


def _attestation(stored: Stored, code: str, commit: str | None, digests: Mapping[str, str]) -> Attestation:
    return Attestation(
        done=fingerprint(stored),
        code=code,
        digests=dict(digests),
        versions=dict(stored.identity["versions"]),  # which are those here, or nothing is attested
        machine=this_machine(),
        commit=commit,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def clean_commit() -> str | None:
    """The commit whose code makes runs here; None outside a checkout.  Raises UsageError if the tree has changes."""
    commit, dirty = checkout()
    if dirty:
        raise UsageError(
            f"the working tree has changes{_changes()}, so no commit holds the code that would attest; "
            "commit or stash them, or compare alone with --no-attest"
        )
    return commit


def _changes() -> str:
    """The first of the changed paths, in brackets; empty where git cannot tell."""
    try:
        paths = changed_paths()
    except (OSError, subprocess.CalledProcessError):
        return ""
    more = [f"{len(paths) - NAMED} more"] if len(paths) > NAMED else []
    return f" ({', '.join([*paths[:NAMED], *more])})" if paths else ""


def processor_departure(stored: Stored) -> str | None:
    """`processor A then, B here`; None if it is the same, as far as the record says."""
    provenance = stored.run["provenance"]
    machine = provenance.get("machine")
    then, here = (machine["processor"], processor_text()) if machine else (provenance.get("cpu"), processor())
    return None if then == here else f"processor {then} then, {here} here"
