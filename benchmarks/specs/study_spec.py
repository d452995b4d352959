"""One measurement with one seed: everything that decides it, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from algorithms.catalogue import find_algorithm
from benchmarks.specs.code_digest import measurement_digest
from benchmarks.specs.provenance import SCHEMA, software_and_machine
from benchmarks.specs.run_spec import deciding_versions, known_suite, recorded_suite
from benchmarks.studies.study import Measurement
from environments.catalogue import suites
from environments.discovery import ClassEntry, choose, discover
from environments.streams import Streams
from environments.typed_options import as_recorded, from_recorded, make_options
from results.identity import run_digest


@cache
def measurements() -> dict[str, ClassEntry]:
    """Every measurement that is available, by name, nothing imported."""
    return discover("benchmarks.studies", "metarl.measurements")


def find_measurement(name: str) -> ClassEntry:
    """Raises UsageError offering the nearest name."""
    return choose(measurements(), name, "measurement")


@dataclass(frozen=True)
class MeasurementSpec:
    """Plain values alone, as `RunSpec`; `profile` and `benchmark` say for whom it is made and decide nothing."""

    name: str
    configuration: dict[str, Any]  # the whole resolved Config, by today's names
    seed: int
    profile: str = "custom"
    benchmark: str | None = None  # the paper
    code: str | None = None  # digest of the deciding code when it was planned; None: as it is now

    #: where lists of runs name a suite
    suite = "measurement"

    @property
    def algorithm(self) -> str:
        """Where lists of runs name an algorithm."""
        return self.name

    @property
    def label(self) -> str:
        return f"{self.name} seed {self.seed}"

    @property
    def budget(self) -> int:
        """Parts, which its progress counts."""
        return len(self.make().parts())

    def make(self) -> Measurement:
        cls = find_measurement(self.name).load()
        config = make_options(cls.Config, self.configuration, f"measurement {self.name}")
        return cls(config, Streams(self.seed))

    def identity(self) -> dict[str, Any]:
        """What decides the result, as stored in `run.json`: names and options as first recorded."""
        suites = [known_suite(name) for name in self.configuration["suites"]]
        named = {suite.recorded_name: suite for suite in suites}
        configuration = {**self.configuration, "suites": [suite.recorded_name for suite in suites]}
        return {
            "measurement": self.name,
            "configuration": as_recorded(find_measurement(self.name).load().Config, configuration),
            "seed": self.seed,
            "suites": {
                name: {"suite_digest": suite.digest, "split_digest": suite.split.digest}
                for name, suite in named.items()
            },
            "parents": [],
            "versions": deciding_versions(),
            "code": self.code or self.code_now(),
        }

    def code_now(self) -> str:
        """Digest of the code that decides the result, as the files are now."""
        return code_of(self.name, self.configuration)

    def record(self) -> dict[str, Any]:
        """`run.json`, without its attempts."""
        identity = self.identity()
        description = {"profile": self.profile, "benchmark": self.benchmark, "seconds": self.make().seconds()}
        data = [known_suite(name).data_source for name in self.configuration["suites"]]
        return {
            "schema": SCHEMA,
            "identity": identity,
            "digest": run_digest(identity),
            "description": description,
            "provenance": {**software_and_machine(), "data": ", ".join(filter(None, data)) or None, "source": None},
        }

    @classmethod
    def from_record(cls, run: Mapping[str, Any]) -> MeasurementSpec:
        """The measurement that a stored `run.json` describes, in today's names and whole.

        Raises UsageError if it, a suite or one of their options is no longer there.
        """
        identity, description = run["identity"], run["description"]
        name = identity["measurement"]
        config = find_measurement(name).load().Config
        configuration = from_recorded(config, identity["configuration"], f"measurement {name}")
        suites = [recorded_suite(text).full_name for text in configuration["suites"]]
        return cls(
            name,
            {**configuration, "suites": suites},
            identity["seed"],
            description["profile"],
            description["benchmark"],
        )


def code_of(name: str, configuration: Mapping[str, Any]) -> str:
    """Digest of the code that decides a measurement of these suites and algorithms."""
    named: list[ClassEntry] = [suites()[known_suite(text).name] for text in configuration["suites"]]
    named += [find_algorithm(text) for text in configuration["algorithms"]]
    return measurement_digest(find_measurement(name), named)


def resolved(found: ClassEntry, values: Mapping[str, Any]) -> dict[str, Any]:
    """The measurement's whole configuration as plain values.  Raises UsageError."""
    config = make_options(found.load().Config, values, f"measurement {found.name}")
    return json.loads(json.dumps(asdict(config)))  # tuples become the lists that a stored record holds


def with_seeds(specs: Iterable[MeasurementSpec], count: int) -> Sequence[MeasurementSpec]:
    """Each with `count` seeds, from 0; a deterministic one with one."""
    return [
        MeasurementSpec(spec.name, spec.configuration, seed, spec.profile, spec.benchmark, spec.code)
        for spec in specs
        for seed in range(1 if find_measurement(spec.name).load().deterministic else count)
    ]
