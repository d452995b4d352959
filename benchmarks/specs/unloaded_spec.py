"""The run that a record describes whose algorithm may not run: what is known of it without importing its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from benchmarks.specs.own_code import read_as_source
from benchmarks.specs.recorded_code import refuse_unnamed, require_name
from benchmarks.specs.run_spec import RunSpec, deciding_versions, recorded_suite
from environments.problem import EvaluationProtocol
from environments.typed_options import from_recorded


@dataclass(frozen=True)
class UnloadedSpec(RunSpec):
    """Its configuration is as recorded, which it is today as well if its code is the same.

    It can be compared with records and cannot be carried out.
    """

    recorded: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_record(cls, run: Mapping[str, Any]) -> Self:
        """Raises UsageError if there is no such file or suite, or if the suite's code is the record's too.

        Nor is a module looked for, since that imports the packages around it.
        """
        identity, description, provenance = run["identity"], run["description"], run["provenance"]
        refuse_unnamed(provenance.get("suite_source"))
        if provenance.get("source") is None:
            require_name(identity["algorithm"])
        elif not str(provenance.get("source")).partition(":")[0].endswith(".py"):
            refuse_unnamed(provenance.get("source"))
        return cls(
            suite=recorded_suite(identity["suite"]).full_name,
            algorithm=identity["algorithm"],
            source=provenance.get("source"),
            configuration=dict(identity["configuration"]),
            evaluations=identity["evaluations"],
            budget=identity["budget"],
            seed=identity["seed"],
            profile=description["profile"],
            benchmark=description["benchmark"],
            recorded=identity,
            **from_recorded(EvaluationProtocol, identity["protocol"], "the protocol"),
        )

    def identity(self) -> dict[str, Any]:
        suite = self._suite()
        digests = {"suite_digest": suite.digest, "split_digest": suite.split.digest}
        return {**self.recorded, **digests, "seed": self.seed, "versions": deciding_versions(),
                "code": self.code or self.code_now()}  # fmt: skip

    def code_now(self) -> str:
        """Read from the files, of which none is imported."""
        with read_as_source(self.source or self.algorithm):
            return super().code_now()
