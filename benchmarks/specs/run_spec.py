"""One run: everything that decides it, and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, Self

from algorithms.catalogue import find_algorithm, parents_of, source_of
from benchmarks.specs.code_digest import code_digest
from benchmarks.specs.loose_suites import is_source, offer_suite, source_of_suite, split_source
from benchmarks.specs.parents import parent_budget, parent_terms
from benchmarks.specs.provenance import record_of
from benchmarks.specs.recorded_code import name_source, refuse_unnamed, require_name
from benchmarks.specs.time_estimates import OVERHEAD, Learned, learned_rate, sampling_seconds
from environments.catalogue import make_suite, suites
from environments.problem import EvaluationProtocol
from environments.suite import Suite
from environments.typed_options import UsageError, as_recorded, from_recorded
from results.identity import digest_of, run_digest
from results.store import StoredRun

#: packages whose version is part of a run's identity: another one gives other numbers
DECIDING_PACKAGES = ("gymnasium", "mujoco", "torch", "numpy")


@dataclass(frozen=True)
class RunSpec:
    """Suite x algorithm x configuration x seed, with the protocol and the budget: plain values alone.

    `checkpoint_every`, `profile`, `benchmark` and `tuning` say how and for whom the run is made, and what effort chose
    its options; they do not decide its result.
    """

    suite: str  # full name
    algorithm: str
    source: str | None  # "path.py:Class" of an algorithm from a loose file
    configuration: dict[str, Any]  # the algorithm's whole resolved Config, by today's names
    adaptation_steps: int
    trajectories: int  # per task and adaptation step, in evaluation
    evaluations: int  # points of the learning curve after the first
    budget: int  # environment steps
    seed: int
    adaptations: int = 1  # independent ones of each task, in evaluation
    checkpoint_every: int = 20  # meta-iterations
    profile: str = "custom"
    benchmark: str | None = None
    code: str | None = None  # digest of the deciding code when the run was planned; None: as it is now
    tuning: dict[str, Any] | None = None  # of the tuned values among its options: trials, seeds, digest, sibling
    suite_source: str | None = None  # "path.py:Class" of a suite from a loose file
    #: by role, the runs that it begins with, whatever their budget and seed: see `parent_runs`
    parents: dict[str, RunSpec] = field(default_factory=dict)
    child: str = ""  # whose parent it is planned as, and in which role; decides nothing

    kind: ClassVar[type[StoredRun]] = StoredRun
    unit = "steps"
    #: whether it has a learning curve and is evaluated on test tasks
    tested: ClassVar[bool] = True

    @property
    def label(self) -> str:
        whose = f" ({self.budget:,} steps, {self.child})" if self.child else ""
        return f"{self.suite} {self.algorithm} seed {self.seed}{whose}"

    @property
    def names(self) -> tuple[str, str]:
        return self.suite, self.algorithm

    @property
    def suites(self) -> tuple[str, ...]:
        return (self.suite,)

    @property
    def suite_text(self) -> str:
        """What a command line takes for the suite: its name, or its file with its options."""
        if self.suite_source is None:
            return self.suite
        return f"{os.path.relpath(self.suite_source)}{self.suite[len(self._suite().name) :]}"

    @property
    def size(self) -> int:
        return self.budget

    @property
    def decided_by(self) -> tuple[str, ...]:
        own = self.source or self.algorithm, self._suite().name
        return (*own, *(name for parent in self.parents.values() for name in parent.decided_by))

    @property
    def parent_runs(self) -> dict[str, RunSpec]:
        """By role, the runs that it begins with: each of its seed, and of its share of the budget."""
        return {
            role: replace(
                parent,
                seed=self.seed,
                budget=parent_budget(role, self.budget, self.configuration),
                child=f"{role} of {self.algorithm}",
            )
            for role, parent in self.parents.items()
        }

    @property
    def protocol(self) -> EvaluationProtocol:
        return EvaluationProtocol(self.adaptation_steps, self.trajectories, self.adaptations)

    def identity(self) -> dict[str, Any]:
        """What decides the result, as stored in `run.json`: names, options and protocol as first recorded."""
        suite = self._suite()
        parents = {role: parent.identity() for role, parent in self.parent_runs.items()}
        cls = find_algorithm(self.source or self.algorithm).load()
        versions = deciding_versions(tuple(getattr(cls, "packages", ())))
        return {
            "suite": suite.recorded_name,
            "algorithm": self.algorithm,
            "configuration": as_recorded(cls.Config, self.configuration),
            "protocol": as_recorded(EvaluationProtocol, asdict(self.protocol)),
            "evaluations": self.evaluations,
            "budget": self.budget,
            "seed": self.seed,
            "suite_digest": suite.digest,
            "split_digest": suite.split.digest,
            "parents": parent_terms(parents),
            "versions": {
                name: text
                for each in (versions, *(own["versions"] for own in parents.values()))
                for name, text in each.items()
            },
            "code": self.code or self.code_now(),
        }

    def code_now(self) -> str:
        """Digest of the code that decides the result, as the files are now."""
        own = code_digest(find_algorithm(self.source or self.algorithm), suites()[self._suite().name])
        return with_parents_code(own, {role: parent.code_now() for role, parent in self.parents.items()})

    def record(self) -> dict[str, Any]:
        """`run.json`, without its attempts."""
        suite = self._suite()
        algorithm = find_algorithm(self.source or self.algorithm).load()
        description = {
            "family": suite.family,
            "metric": suite.metric,
            "records_success": suite.records_success,
            "cautions": list(suite.cautions),
            "horizon": suite.horizon,
            "discount": suite.discount,
            "access": sorted(algorithm.access),
            "scripted": algorithm.scripted,
            "profile": self.profile,
            "benchmark": self.benchmark,
            **({} if self.tuning is None else {"tuning": self.tuning}),
            **suite.describe(),
        }
        if self.parents:
            description["parents"] = {
                role: {"algorithm": parent.algorithm, "digest": run_digest(parent.identity())}
                for role, parent in self.parent_runs.items()
            }
        record = record_of(self.identity(), description, suite.data_source, self.source)
        if self.suite_source is not None:
            record["provenance"]["suite_source"] = self.suite_source
        return record

    def expected_seconds(self, learned: Learned) -> float:
        """Of one core, the harness's own evaluations included, which no budget is charged for."""
        suite, sampling = self._suite(), sampling_seconds(self.suite)
        validation, test = len(suite.split.validation), len(suite.split.test)
        algorithm = find_algorithm(self.source or self.algorithm).load()
        trains = algorithm.trains and not algorithm.scripted  # what a scripted one tries is a small part of any budget
        points = self.evaluations + 1 if trains else 1  # of the learning curve
        tasks = validation * points + validation + test
        evaluation = tasks * self.adaptations * self.trajectories * suite.horizon * (self.adaptation_steps + 1)
        return OVERHEAD + evaluation * sampling + (self.training_seconds(learned) if trains else 0.0)

    def training_seconds(self, learned: Learned) -> float:
        """Of one core, without what the runs take that it begins with."""
        own = self.budget - sum(parent.budget for parent in self.parent_runs.values())
        return own * learned_rate(learned, self.suite, self.profile, self.algorithm, self.identity())

    def _suite(self) -> Suite:
        """This process may be another one than the plan's: a loose file's suite is not yet known to it."""
        if self.suite_source is not None:
            offer(self.suite_source)
        return known_suite(self.suite)

    @classmethod
    def from_record(cls, run: Mapping[str, Any]) -> Self:
        """The run that a stored `run.json` describes, in today's names and whole.

        Raises UsageError if the algorithm, the suite or one of their options is no longer there, UnnamedCode if they
        are of a file that the record alone names.
        """
        identity, description = run["identity"], run["description"]
        suite_source = run["provenance"].get("suite_source")
        refuse_unnamed(run["provenance"].get("source"))
        if run["provenance"].get("source") is None:
            require_name(identity["algorithm"])
        refuse_unnamed(suite_source)
        if suite_source is not None:
            offer(suite_source)
        return cls(
            suite=recorded_suite(identity["suite"]).full_name,
            seed=identity["seed"],
            profile=description["profile"],
            benchmark=description["benchmark"],
            tuning=description.get("tuning"),
            suite_source=suite_source,
            **_recorded_terms(identity, run["provenance"].get("source")),
        )._with_recorded_parents(identity)

    def _with_recorded_parents(self, identity: Mapping[str, Any]) -> Self:
        known = parents_of(find_algorithm(self.source or self.algorithm)) if identity["parents"] else {}
        parents: dict[str, RunSpec] = {}
        for terms in identity["parents"]:
            role, name = terms["role"], terms["algorithm"]
            if role not in known or known[role].name != name:
                raise UsageError(f"algorithm {self.algorithm} begins with no run of {name} as its {role} any more")
            shared = replace(self, parents={}, tuning=None, code=None, **_recorded_terms(terms, source_of(known[role])))
            parents[role] = shared._with_recorded_parents(terms)
        return replace(self, parents=parents)


@cache
def known_suite(full_name: str) -> Suite:
    """The suite of that name, made once in a process (its split is read and checked once)."""
    return make_suite(full_name)


@cache
def recorded_suite(name: str) -> Suite:
    """The suite that a record names."""
    return make_suite(name, recorded=True)


def offer(source: str) -> str:
    """Makes a suite of a loose file known to this process; its name.  Raises UsageError."""
    found, changed = offer_suite(source)
    if changed:
        known_suite.cache_clear()
        recorded_suite.cache_clear()
    return found.name


def planned_suite(text: str) -> Suite:
    """The suite of that name, or of `path.py[:Class]` or `package.module:Class`, with options or without.

    Raises UsageError.
    """
    if not is_source(text):
        return known_suite(text)
    source, options = split_source(text)
    name = offer(source)
    name_source(source_of_suite(name))
    try:
        return known_suite(name + options)
    except UsageError:
        raise
    except Exception as error:  # the suite's own, whatever it is
        raise UsageError(f"suite {name} cannot be made: {type(error).__name__}: {error}") from error


@cache
def deciding_versions(more: tuple[str, ...] = ()) -> dict[str, str]:
    """Public versions, without the build's tag: `2.13.0+cpu` and `2.13.0` are one torch.

    more: further distributions, which need not be installed (a record of theirs may be read all the same).
    """
    return {name: version(name).partition("+")[0] for name in DECIDING_PACKAGES} | {name: _of(name) for name in more}


def with_parents_code(own: str, parents: Mapping[str, str]) -> str:
    """Digest of the code of a run and of those that it begins with, by role."""
    return digest_of([own, dict(parents)]) if parents else own


def _of(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return "not installed"


def _recorded_terms(terms: Mapping[str, Any], source: str | None) -> dict[str, Any]:
    """Fields of the spec that an identity holds, or what another's holds of a parent."""
    name = terms["algorithm"]
    return {
        "algorithm": name,
        "source": source,
        "configuration": from_recorded(_config_of(source or name), terms["configuration"], f"algorithm {name}"),
        "evaluations": terms["evaluations"],
        "budget": terms["budget"],
        **from_recorded(EvaluationProtocol, terms["protocol"], "the protocol"),
    }


def _config_of(algorithm: str) -> type:
    return find_algorithm(algorithm).load().Config
