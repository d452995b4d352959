"""One study with one seed: everything that decides it, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from algorithms.catalogue import find_algorithm
from benchmarks.specs.code_digest import study_digest
from benchmarks.specs.provenance import record_of
from benchmarks.specs.recorded_code import require_name
from benchmarks.specs.run_spec import RunSpec, deciding_versions, known_suite, recorded_suite
from benchmarks.specs.study import Study
from benchmarks.specs.time_estimates import Learned
from environments.catalogue import suites
from environments.discovery import ClassEntry, choose, discover
from environments.streams import Streams
from environments.typed_options import as_recorded, from_recorded, make_options
from results.store import StoredStudy


@cache
def studies() -> dict[str, ClassEntry]:
    """Every study that is available, by name, nothing imported."""
    return discover("benchmarks.studies", "metarl.measurements")


def find_study(name: str) -> ClassEntry:
    """Raises UsageError offering the nearest name."""
    return choose(studies(), name, "study")


@dataclass(frozen=True)
class StudySpec:
    """Plain values alone, as `RunSpec`; `profile` and `benchmark` say for whom it is made and decide nothing."""

    name: str
    configuration: dict[str, Any]  # the whole resolved Config, by today's names
    seed: int
    profile: str = "custom"
    benchmark: str | None = None  # the paper
    code: str | None = None  # digest of the deciding code when it was planned; None: as it is now

    kind = StoredStudy
    unit = "parts"

    @property
    def label(self) -> str:
        return f"{self.name} seed {self.seed}"

    @property
    def names(self) -> tuple[str, str]:
        return "study", self.name

    @property
    def parent_runs(self) -> dict[str, RunSpec]:
        """None: a study trains whatever it needs by itself."""
        return {}

    @property
    def suites(self) -> list[str]:
        return self.configuration["suites"]

    @property
    def size(self) -> int:
        return len(self.make().parts())

    @property
    def decided_by(self) -> tuple[str, ...]:
        return self.name, *self.suites, "", *self.configuration["algorithms"]

    def make(self) -> Study:
        cls = find_study(self.name).load()
        return cls(make_options(cls.Config, self.configuration, f"study {self.name}"), Streams(self.seed))

    def identity(self) -> dict[str, Any]:
        """What decides the result, as stored in `run.json`: names and options as first recorded."""
        chosen = {suite.recorded_name: suite for suite in map(known_suite, self.suites)}
        configuration = {**self.configuration, "suites": [known_suite(name).recorded_name for name in self.suites]}
        return {
            "measurement": self.name,
            "configuration": as_recorded(find_study(self.name).load().Config, configuration),
            "seed": self.seed,
            "suites": {
                name: {"suite_digest": suite.digest, "split_digest": suite.split.digest}
                for name, suite in chosen.items()
            },
            "parents": [],
            "versions": deciding_versions(),
            "code": self.code or self.code_now(),
        }

    def code_now(self) -> str:
        """Digest of the code that decides the result, as the files are now."""
        named: list[ClassEntry] = [suites()[known_suite(text).name] for text in self.suites]
        named += [find_algorithm(text) for text in self.configuration["algorithms"]]
        return study_digest(find_study(self.name), named)

    def record(self) -> dict[str, Any]:
        """`run.json`, without its attempts."""
        description = {"profile": self.profile, "benchmark": self.benchmark, "seconds": self.make().seconds()}
        data = [known_suite(name).data_source for name in self.suites]
        return record_of(self.identity(), description, ", ".join(filter(None, data)) or None)

    def expected_seconds(self, learned: Learned) -> float:
        return self.make().seconds()

    @classmethod
    def from_record(cls, run: Mapping[str, Any]) -> StudySpec:
        """The study that a stored `run.json` describes, in today's names and whole.

        Raises UsageError if it, a suite or one of their options is no longer there.
        """
        identity, description = run["identity"], run["description"]
        name = identity["measurement"]
        configuration = from_recorded(find_study(name).load().Config, identity["configuration"], f"study {name}")
        for text in configuration["algorithms"]:
            require_name(text)
        suites = [recorded_suite(text).full_name for text in configuration["suites"]]
        whole = {**configuration, "suites": suites}
        return cls(name, whole, identity["seed"], description["profile"], description["benchmark"])


def resolved(found: ClassEntry, values: Mapping[str, Any]) -> dict[str, Any]:
    """The study's whole configuration as plain values.  Raises UsageError."""
    config = make_options(found.load().Config, values, f"study {found.name}")
    return json.loads(json.dumps(asdict(config)))  # tuples become the lists that a stored record holds
