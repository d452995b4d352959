"""Which stored results stand for what today's code would make, and where a planned one is found among them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from benchmarks.specs.job import read_job
from benchmarks.specs.recorded_code import UnnamedCode
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.study_spec import StudySpec
from benchmarks.specs.unloaded_spec import UnloadedSpec
from environments.typed_options import UsageError
from results.attestations import Attestation, Proof, prove, read_attestations
from results.identity import run_digest, terms_digest
from results.store import S, Stored


class Today:
    """What stored runs and studies would be today.  Each digest of code is computed once."""

    def __init__(self) -> None:
        self._specs: dict[tuple[str, str | None], RunSpec | StudySpec | UsageError] = {}
        self._codes: dict[tuple[str, ...], str] = {}
        self._identities: dict[tuple[str, str | None], dict[str, Any]] = {}

    def spec(self, stored: Stored) -> RunSpec | StudySpec:
        """What would make it again, with the digest of today's code; an `UnloadedSpec` where its code may not run.

        Raises UsageError if an algorithm, a suite, a study or an option is no longer there.
        """
        key = self._key(stored)
        if key not in self._specs:
            try:
                self._specs[key] = self._read(stored)
            except UsageError as error:
                self._specs[key] = error
            except Exception as error:  # a file of their own may fail in any way when it is imported
                self._specs[key] = UsageError(f"it cannot be loaded any more: {error!r}")
        spec = self._specs[key]
        if isinstance(spec, UsageError):
            raise spec
        return replace(spec, seed=stored.seed)

    def identity(self, stored: Stored) -> dict[str, Any]:
        """What it would be stored as.  Raises UsageError as `spec` does."""
        spec, key = self.spec(stored), self._key(stored)
        if key not in self._identities:
            self._identities[key] = spec.identity()
        return {**self._identities[key], "seed": stored.seed}

    def _key(self, stored: Stored) -> tuple[str, str | None]:
        return run_digest(stored.identity), stored.run["provenance"].get("source")

    def _read(self, stored: Stored) -> RunSpec | StudySpec:
        try:
            spec = read_job(stored.run)
        except UnnamedCode:
            spec = UnloadedSpec.from_record(stored.run)
        named = type(spec).__name__, *spec.decided_by
        if named not in self._codes:
            self._codes[named] = spec.code_now()
        return replace(spec, code=self._codes[named])


def proof_of(stored: Stored, today: Today) -> Proof:
    """What is known of the record: see `results.attestations.Proof`."""
    attestations = attestations_of(stored)
    try:
        identity = today.identity(stored)
    except UsageError:
        return prove(stored, None, attestations)
    same_terms = terms_digest(identity) == terms_digest(stored.identity)
    return prove(stored, identity["code"] if same_terms else None, attestations)


def attestations_of(stored: Stored) -> list[Attestation]:
    """Those beside the record; damaged ones are named on standard error, once."""
    found, problems = read_attestations(stored.path)
    for problem in problems:
        _name(problem)
    return found


def with_proofs(stored: Iterable[S], today: Today | None = None) -> list[S]:
    """The records with what is known of each.

    A configuration all of whose records are current is shown with what today's code makes of it, whatever code its own
    digest tells of; one that is not keeps its own.
    """
    today = today or Today()
    proven = [entry if entry.proof is not None else replace(entry, proof=proof_of(entry, today)) for entry in stored]
    stale = stale_digests(proven)
    return [
        entry
        if entry.shown_with is not None or entry.digest in stale
        else replace(entry, shown_with=run_digest(today.identity(entry)))
        for entry in proven
    ]


def stale_digests(proven: Iterable[Stored]) -> set[str]:
    """Digests of configurations of which some record, as `with_proofs` returns it, is not current."""
    return {entry.digest for entry in proven if entry.proof is None or not entry.proof.current}


def by_terms(stored: Iterable[S]) -> dict[str, list[S]]:
    """Records by their identity without its code, for `standing_for`."""
    found: dict[str, list[S]] = {}
    for entry in stored:
        found.setdefault(terms_digest(entry.identity), []).append(entry)
    return found


def standing_for(identity: Mapping[str, Any], stored: Mapping[str, Sequence[S]]) -> S | None:
    """The record of the identity, else one of other code that is proven to be equal to it.

    stored: `by_terms` of those to choose from.
    """
    candidates = stored.get(terms_digest(identity), ())
    ranked = {"own code": 0, "attested": 1, "by sample": 2}
    proven = [(prove(entry, identity["code"], attestations_of(entry)), entry) for entry in candidates]
    current = [(ranked[proof.state], str(entry.path), entry) for proof, entry in proven if proof.current]
    return min(current, key=lambda item: item[:2])[2] if current else None


@cache
def _name(problem: str) -> None:
    print(f"metarl: {problem}", file=sys.stderr)
