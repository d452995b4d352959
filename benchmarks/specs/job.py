"""The unit of work, of caching and of failure: what a run and a study with one seed have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.study_spec import StudySpec
from benchmarks.specs.time_estimates import Learned
from benchmarks.specs.trial_spec import TrialSpec
from results.store import Stored, StoredStudy, StoredTrial, kind_of

S_co = TypeVar("S_co", bound=Stored, covariant=True)


class Job(Protocol[S_co]):
    """Everything that decides a record, and where it comes from: plain values alone."""

    @property
    def kind(self) -> type[S_co]:
        """What its record is read as."""

    @property
    def seed(self) -> int: ...
    @property
    def profile(self) -> str: ...
    @property
    def code(self) -> str | None:
        """Digest of the deciding code when it was planned; None: as it is now."""

    @property
    def label(self) -> str:
        """Unlike any other's of a plan."""

    @property
    def names(self) -> tuple[str, str]:
        """What lists name it by: suite and algorithm, or "study" and which."""

    @property
    def suites(self) -> Sequence[str]:
        """Full names."""

    @property
    def size(self) -> int:
        """Units of work, which its progress counts."""

    @property
    def unit(self) -> str:
        """What these are, in the plural."""

    @property
    def decided_by(self) -> tuple[str, ...]:
        """Names: jobs of a kind that share them share their code."""

    @property
    def parent_runs(self) -> Mapping[str, RunSpec]:
        """By role, the runs that must have finished before it begins."""

    def code_now(self) -> str:
        """Digest of the code that decides the result, as the files are now."""

    def identity(self) -> dict[str, Any]:
        """What decides the result, as stored in `run.json`: names and options as first recorded."""

    def record(self) -> dict[str, Any]:
        """`run.json`, without its attempts."""

    def expected_seconds(self, learned: Learned) -> float:
        """Of one core.  learned: what stored runs took."""


AnyJob = Job[Stored]
J = TypeVar("J", bound=AnyJob)


def read_job(run: Mapping[str, Any]) -> RunSpec | StudySpec:
    """The job that a stored `run.json` describes, in today's names and whole.

    Raises UsageError if an algorithm, a suite, a study or one of their options is no longer there.
    """
    specs: dict[type[Stored], type[RunSpec | StudySpec]] = {StoredStudy: StudySpec, StoredTrial: TrialSpec}
    return specs.get(kind_of(run["identity"]), RunSpec).from_record(run)
