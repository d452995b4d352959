"""`metarl show`: the configuration that a run would get, where each value comes from, and whether it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.commands.report import REFERENCE
from benchmarks.commands.text_table import text_table
from benchmarks.planning.plan import default_of, make_plan
from benchmarks.specs.run_spec import known_suite
from benchmarks.verification.proofs import attestations_of
from environments.catalogue import parse_suite_name, suites
from environments.suite import Suite
from environments.typed_options import UsageError, as_text
from results.attestations import prove
from results.files import StoreError
from results.identity import DIGITS
from results.run_folder import RunFolder
from results.store import Store, StoredRun

#: of the spec, what a profile decides beside the algorithm's options
TERMS = ("budget", "adaptation_steps", "trajectories", "adaptations", "evaluations", "checkpoint_every")


def description(
    suite: str,
    algorithm: str,
    benchmark: str,
    profile: str | None,
    settings: Sequence[str],
    results: Path,
    tuned: bool | Path = True,
) -> dict[str, Any]:
    """What `metarl show --json` prints; each value of `run`, `suite_options` and `configuration` with its source.

    `left_out` is the reason where the algorithm does not fit the suite, and then little else is known.
    `stored`: every configuration that is stored or shipped of the two; `differs` is empty for the one described.
    Raises UsageError as `make_plan` does.
    """
    if algorithm.partition("[")[0] in suites():
        raise UsageError(f"{algorithm!r} is a suite; the suite comes first, as in `metarl show corners promp`")
    plan = make_plan(benchmark, [suite], [algorithm], 1, profile, settings, tuned)
    if not plan.cells:
        (cell,) = plan.left_out
        return {"suite": cell.suite, "algorithm": cell.algorithm, "left_out": cell.reason}
    spec, sources = plan.cells[0].spec, plan.cells[0].sources
    own = known_suite(spec.suite)
    identity = spec.identity()
    return {
        "suite": spec.suite,
        "algorithm": spec.algorithm,
        "left_out": None,
        "source": spec.source,
        "suite_source": spec.suite_source,
        "benchmark": spec.benchmark,
        "profile": spec.profile,
        "tuning": spec.tuning,
        "notes": list(plan.notes),
        "run": {name: _sourced(getattr(spec, name), sources[name]) for name in TERMS} | _fixed(own, suite),
        "suite_options": _options(own, suite),
        "configuration": {
            option: _sourced(value, sources[f"configuration.{option}"]) for option, value in spec.configuration.items()
        },
        "parents": {
            role: {"algorithm": run.algorithm, "budget": run.budget, "configuration": run.configuration}
            for role, run in spec.parent_runs.items()
        },
        "data": own.data_source,
        "code": identity["code"][:DIGITS],
        "stored": [*_stored(identity, results, "results"), *_stored(identity, REFERENCE, "shipped")],
    }


def as_lines(content: Mapping[str, Any]) -> list[str]:
    """The description for people."""
    if content["left_out"] is not None:
        return [f"left out: {content['algorithm']} on {content['suite']}: {content['left_out']}"]
    lines = [
        f"{content['algorithm']} on {content['suite']}, profile {content['profile']}, benchmark {content['benchmark']}"
    ]
    for title, key in (("run", "run"), ("options of the suite", "suite_options"), ("configuration", "configuration")):
        rows = [(name, _text(entry["value"]), entry["source"]) for name, entry in content[key].items()]
        lines += ["", title, *text_table(rows)]
    for role, parent in content["parents"].items():
        lines += ["", f"begins with a run of {parent['algorithm']} as its {role}, {parent['budget']:,} steps"]
        lines += text_table([(name, _text(value)) for name, value in parent["configuration"].items()])
    data = [f"data: {content['data']}"] if content["data"] else []
    lines += [
        "",
        *(f"note: {note}" for note in content["notes"]),
        *data,
        f"code: {content['code']}",
        *map(_stored_line, content["stored"]),
    ]
    return lines if content["stored"] else [*lines, "nothing of the two is stored or shipped"]


def _fixed(suite: Suite, text: str) -> dict[str, Any]:
    """What the suite decides of a run, whether it has an option for it or not."""
    given = parse_suite_name(text)[1]
    found: dict[str, Any] = {}
    for name in ("horizon", "discount", "metric"):
        owner = next(each.__name__ for each in type(suite).__mro__ if name in vars(each))
        source = "the suite's name" if name in given else f"default of {owner}"
        found[name] = _sourced(getattr(suite, name), source)
    return found


def _options(suite: Suite, text: str) -> dict[str, Any]:
    given, cls = parse_suite_name(text)[1], type(suite.options)
    return {
        name: _sourced(value, "the suite's name" if name in given else default_of(cls, name))
        for name, value in asdict(suite.options).items()
        if name not in ("horizon", "discount")
    }


def _stored(identity: Mapping[str, Any], root: Path, name: str) -> list[dict[str, Any]]:
    """The configurations of the suite and algorithm that a store holds, the one described first."""
    seeds: dict[str, list[int]] = {}
    differs: dict[str, list[str]] = {}
    for run in _records(Store(root, read_only=True).folder(identity).path.parents[1]):
        seeds.setdefault(run.digest, []).append(run.seed)
        found = _differing(run.identity, identity)
        if found == ["code"] and prove(run, identity["code"], attestations_of(run)).current:
            found = []
        differs[run.digest] = max(found, differs.get(run.digest, []), key=len)
    configurations = [
        {"store": name, "digest": digest[:DIGITS], "seeds": sorted(own), "differs": differs[digest]}
        for digest, own in seeds.items()
    ]
    return sorted(configurations, key=lambda entry: (len(entry["differs"]), entry["digest"]))


def _records(folder: Path) -> Iterator[StoredRun]:
    """The finished runs, their tables unread; damaged ones are no business of this command."""
    for path in sorted(folder.glob("*/seed-*/done.json")):
        record = RunFolder(path.parent, read_only=True)
        try:
            run, done = record.read_run(), record.read_done()
        except StoreError:
            continue
        if run is not None and done is not None:
            yield StoredRun(path.parent, run, done)


def _differing(stored: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Names of the parts of an identity in which the two differ, as in `configuration.delta` or `code`."""
    theirs, own = dict(_flat(stored)), dict(_flat(ours))
    return [name for name in {**own, **theirs} if name != "seed" and theirs.get(name) != own.get(name)]


def _flat(identity: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in identity.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", item) for key, item in value.items())
        else:
            yield name, value


def _stored_line(entry: Mapping[str, Any]) -> str:
    count = len(entry["seeds"])
    where = f"{entry['store']} {entry['digest']}, {count} seed{'s' if count > 1 else ''}"
    return f"{where}: {'differs in ' + ', '.join(entry['differs']) if entry['differs'] else 'this run'}"


def _sourced(value: Any, source: str) -> dict[str, Any]:
    return {"value": value, "source": source}


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return as_text(tuple(value) if isinstance(value, list) else value)
