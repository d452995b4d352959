"""One run on a node that lacks its loose file: what goes back is a record that the driver's store reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray

from benchmarks.execution.carried_files import Files, begun_files, unpack
from benchmarks.execution.ray_mailbox import News
from benchmarks.execution.ray_node import Answer, Order, carry_out, sources_of
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.run_spec import RunSpec
from results.store import Store
from tests.support.adapters import contents, small_plan, write_good, write_spoilt
from tests.support.run_records import attempts_of, folder_of, in_process
from tests.support.time_limit import time_limit

__all__ = ["time_limit"]
pytestmark = pytest.mark.usefixtures("time_limit")

#: takes its time once it has trained a little, until there is a file
SLOW = """
def meta_step(self, collector):
    if collector.iteration >= 3 and not os.path.exists({gate!r}):
        time.sleep(0.5)
    return super().meta_step(collector)
"""

#: what the driver answers to each piece of news: whether the run should stop
Reply = Callable[[News], bool]


@pytest.fixture
def on_a_node(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Carries a run out as on a node of a cluster that has no file of the driver's."""
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: "0" * 40))
    monkeypatch.setattr(ray, "wait", lambda replies, timeout: (replies, []))
    monkeypatch.setattr(ray, "get", lambda reply: reply)

    def carry(spec: RunSpec, files: Files, reply: Reply = lambda news: False) -> Answer:
        order = Order(1, spec, spec.identity(), files, 1, sources_of(spec))
        source = Path(str(spec.source).partition(":")[0])
        away = source.rename(source.with_name("away.py"))
        try:
            post: Any = SimpleNamespace(remote=lambda key, news: reply(news))
            return carry_out(order, SimpleNamespace(post=post))
        finally:
            away.rename(source)

    return carry


def test_the_driver_reads_the_record_of_a_file_that_the_node_lacks(
    tmp_path: Path, on_a_node: Callable[..., Answer]
) -> None:
    (spec,) = small_plan(write_good(tmp_path))
    answer = on_a_node(spec, {})
    assert (answer.refused, answer.outcome) == ("", RunOutcome("finished"))
    store = Store(tmp_path / "store")
    unpack(answer.files, store.folder(spec.identity()))
    (stored,) = store.finished()
    assert stored.run["provenance"]["source"] == spec.source
    assert contents(stored.path) == in_process(tmp_path / "here", spec)


def test_a_run_that_a_node_stopped_goes_on_elsewhere_from_its_checkpoint(
    tmp_path: Path, on_a_node: Callable[..., Answer]
) -> None:
    gate = tmp_path / "gate"
    (spec,) = small_plan(write_spoilt(tmp_path, SLOW.format(gate=str(gate)), "slow"))
    spec = replace(spec, budget=4_000)
    answer = on_a_node(spec, {}, lambda news: news.progress is not None and news.progress.iteration >= 1)
    assert answer.outcome == RunOutcome("interrupted")
    folder = Store(tmp_path / "store").folder(spec.identity())
    unpack(answer.files, folder)

    gate.touch()
    answer = on_a_node(spec, begun_files(folder))
    assert answer.outcome == RunOutcome("finished")
    unpack(answer.files, folder)
    first, second = attempts_of(tmp_path / "store", spec)
    assert (first["outcome"], second["outcome"]) == ("interrupted", "finished")
    assert isinstance(second["resumed_at_iteration"], int) and second["resumed_at_iteration"] >= 1
    (stored,) = Store(tmp_path / "store").finished()
    assert stored.run["provenance"]["source"] == spec.source
    assert contents(folder_of(tmp_path / "store", spec)) == in_process(tmp_path / "here", spec)
