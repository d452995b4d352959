"""`metarl explain`: which training tasks decide how well a stored run adapts to its poor validation tasks."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from algorithms.catalogue import find_algorithm
from algorithms.explanation.options import ExplanationConfig
from benchmarks.commands.text_table import text_table
from benchmarks.commands.verify import load_run
from benchmarks.execution.explaining import ExplainedRun, explain_session, refuse_unexplainable
from benchmarks.execution.parents import stored_parents
from benchmarks.execution.training import open_session
from benchmarks.planning.repeat import Way, find_way
from benchmarks.specs.job import read_job
from benchmarks.specs.run_spec import RunSpec
from environments.suite import DataMissing
from environments.task import Task
from environments.typed_options import UsageError, make_options
from reports.figures.critical_tasks import TaskPlace, task_map, weight_bars
from reports.folder import check_folder, write_folder
from reports.text.numbers import plural
from results.files import json_text
from results.run_folder import RunFolder
from results.store import Store, Stored, StoredRun


def run_explain(path: Path, output: Path, options: Mapping[str, Any], seed: int) -> int:
    """Explains the run in the folder, prints what it found and writes it into `output`.

    options: of `ExplanationConfig`, those that are not None.
    """
    config = make_options(ExplanationConfig, _given(options), "explain")
    stored = load_run(path)
    spec = read_job(stored.run)
    if not isinstance(spec, RunSpec):
        raise UsageError(f"{path} holds a study, which trains no policy; name the folder of a run, .../seed-<n>")
    algorithm = find_algorithm(spec.source or spec.algorithm).load()
    above = stored.path.parents
    parents = stored_parents(spec, Store(above[min(4, len(above) - 1)], read_only=True))
    session = open_session(spec, None, parents)
    refuse_unexplainable(algorithm, session.suite, config)
    state = RunFolder(stored.path, read_only=True).load_state()
    if state is None:
        raise UsageError(
            f"the trained policy of {path} was not kept, as of all shipped runs; run it again in a store of your own, "
            f"as in {_again(stored, spec)}, and explain the run there"
        )
    check_folder(output)
    print(f"explaining {spec.label}: it adapts to all training and validation tasks anew", file=sys.stderr)
    found = explain_session(session, state, config, seed)
    print("\n".join([f"{spec.label}, {session.suite.metric} after adaptation", *as_lines(found)]))
    write_explanation(
        output, found, {"run": stored.digest, "label": spec.label, "seed": seed, "options": asdict(config)}
    )
    print(f"explanation: {output}")
    return 0


def _again(stored: Stored, spec: RunSpec) -> str:
    """The command that plans the very run; where none does, as of a file of one's own, one like it, and why."""
    way, why = Way(spec.benchmark or "quick", spec.profile), ""
    try:
        way = find_way(None, stored) if isinstance(stored, StoredRun) else way
    except (UsageError, DataMissing) as error:
        why = f" (which plans one like it: {error})"
    return f"`{way.command([spec.suite_text], [spec.source or spec.algorithm], spec.seed + 1)} --force`{why}"


def as_lines(found: ExplainedRun) -> list[str]:
    """The poor tasks, the critical ones, and whether there is anything to say."""
    explained = found.explanation
    poor = [
        [found.validation[index].id, f"{found.scores[index]:.4g}", _shown(found.validation[index])]
        for index in found.poor
    ]
    shared = {index: group for group in explained.groups if len(group) > 1 for index in group}
    critical = []
    for index in explained.critical:
        twins = len(shared.get(index, (index,))) - 1
        note = f"the same MDP as {plural(twins, 'other training task')}" if twins else ""
        critical.append(
            [found.training[index].id, f"{explained.weights[index]:.4g}", _shown(found.training[index]), note]
        )
    lines = ["poor validation tasks (task, score, parameters):", *text_table(poor)]
    lines += ["critical training tasks (task, weight, parameters):", *text_table(critical)]
    count = len(explained.weights)
    largest, band, uniform = _told_apart(explained.largest, explained.band, 1 / count)
    compared = f"largest weight {largest}, 95 % band {band}, uniform {uniform}, p = {explained.p_value:.3g}"
    lines.append(
        f"the weights stand out of noise ({compared})"
        if explained.stands_out
        else f"nothing stands out of noise: which tasks are critical is not decided by these episodes ({compared})"
    )
    if explained.not_identifiable:
        names = ", ".join(found.training[index].id for index in explained.not_identifiable)
        lines.append(f"not identifiable, since they share one MDP of which only some are among the critical: {names}")
    if len(explained.groups) < count:
        lines.append(
            f"{count} training tasks are {plural(len(explained.groups), 'different MDP')}; equal ones share a weight"
        )
    return lines


def _told_apart(*values: float) -> list[str]:
    """The values in as many digits, four at least, as different ones need to look different."""
    for digits in range(4, 18):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts


def write_explanation(output: Path, found: ExplainedRun, about: Mapping[str, Any]) -> None:
    """`explanation.json`, `weights.csv` and the pictures, in place of the explanation that the folder holds.

    Raises StoreError as `write_folder`, where the folder holds something else.
    """
    record = json_text({**about, **_record(found)})
    contents = {"explanation.json": record.encode(), "weights.csv": _weights(found).encode()}
    pictures = {
        "weights": weight_bars(
            found.explanation.weights.tolist(),
            found.explanation.critical,
            found.explanation.band,
            "Weights of training tasks",
        )
    }
    names = _axes([*found.training, *found.validation])
    if names:
        title = "Training and validation tasks"
        title += f": the two numbers of {len(names)} that spread most" if len(names) > 2 else ""
        drawn = [name for name in names if name in _widest(names)]
        pictures["tasks"] = task_map(list(_places(found, drawn)), drawn, title)
    else:
        print("no picture of the tasks: they differ in no number")
    for name, canvas in pictures.items():
        contents |= {f"{name}.svg": canvas.svg().encode(), f"{name}.png": canvas.png()}
    write_folder(output, contents)


def _record(found: ExplainedRun) -> dict[str, Any]:
    explained = found.explanation
    numbers = (
        "largest", "p_value", "stands_out", "proximity", "before", "after", "slope_left", "residual", "truncated",
    )  # fmt: skip
    return {
        "poor": [{**_task(found.validation[index]), "score": found.scores[index]} for index in found.poor],
        "critical": [
            {**_task(found.training[index]), "weight": float(explained.weights[index])} for index in explained.critical
        ],
        "identical": [[found.training[index].id for index in group] for group in explained.groups if len(group) > 1],
        "not_identifiable": [found.training[index].id for index in explained.not_identifiable],
        "band": explained.band if len(explained.groups) > 1 else None,
        **{name: getattr(explained, name) for name in numbers},
    }


def _weights(found: ExplainedRun) -> str:
    explained = found.explanation
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    replicates = [f"influence_{number}" for number in range(len(explained.influence))]
    writer.writerow(["task", "parameters", "weight", "critical", "group", *replicates])
    group_of = {index: number for number, group in enumerate(explained.groups) for index in group}
    for index, task in enumerate(found.training):
        influence = explained.influence[:, index].tolist()
        row = [task.id, json.dumps(_task(task)["parameters"]), float(explained.weights[index])]
        writer.writerow([*row, int(index in explained.critical), group_of[index], *influence])
    return file.getvalue()


def _task(task: Task) -> dict[str, Any]:
    return {"task": task.id, "parameters": dict(task.parameters)}


def _shown(task: Task) -> str:
    return ", ".join(f"{name} {value}" for name, value in task.parameters.items())


def _numbers(task: Task) -> dict[str, float]:
    """The numbers among the parameters by name, those of a list with their place."""
    found = {}
    for name, value in task.parameters.items():
        for place, part in enumerate(value if isinstance(value, Sequence) and not isinstance(value, str) else [value]):
            if isinstance(part, int | float) and not isinstance(part, bool):
                found[name if part is value else f"{name} {place + 1}"] = float(part)
    return found


def _axes(tasks: Sequence[Task]) -> dict[str, float]:
    """The numbers in which the tasks differ, with how far."""
    numbers = [_numbers(task) for task in tasks]
    names = [name for name in numbers[0] if all(name in each for each in numbers)]
    spreads = {name: max(each[name] for each in numbers) - min(each[name] for each in numbers) for name in names}
    return {name: spread for name, spread in spreads.items() if spread > 0}


def _widest(spreads: Mapping[str, float]) -> list[str]:
    """The two that spread most, of equal ones the first."""
    return sorted(spreads, key=lambda name: -spreads[name])[:2]


def _places(found: ExplainedRun, names: Sequence[str]) -> Iterator[TaskPlace]:
    for tasks, marked, kinds in (
        (found.training, found.explanation.critical, ("training", "critical")),
        (found.validation, found.poor, ("validation", "poor")),
    ):
        for index, task in enumerate(tasks):
            numbers = _numbers(task)
            yield TaskPlace(kinds[index in marked], tuple(numbers[name] for name in names))


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
