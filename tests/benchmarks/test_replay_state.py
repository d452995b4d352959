"""What training alone goes on with: in checkpoints, but copied by no meta-iteration and unknown to evaluation."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from algorithms.catalogue import find_algorithm
from benchmarks.conformance.rules import check
from benchmarks.execution.executor import start_server
from benchmarks.execution.training import open_session
from benchmarks.execution.worker import run_job
from results.run_folder import RunFolder
from results.store import Store
from tests.support.adapters import contents, small_plan, write_spoilt
from tests.support.killed_runs import run_in_process

#: learns from all returns so far, which it keeps in one growing buffer
REPLAYING = """
def __init__(self, problem, config, streams):
    super().__init__(problem, config, streams)
    self.returns = torch.zeros(1000)
    self.filled = 0

def noise(self, collector):
    self.returns[self.filled] = float(self.bias.sum()) + collector.iteration
    self.filled += 1
    return super().noise(collector) * (1 + self.returns[: self.filled].mean())

def replay_state(self):
    return {"returns": self.returns, "filled": self.filled}

def load_replay_state(self, state):
    self.returns, self.filled = state["returns"], state["filled"]
"""
FORGETFUL = REPLAYING.replace('self.returns, self.filled = state["returns"], state["filled"]', "pass")


def test_a_run_with_a_replay_buffer_is_the_same_after_kills_and_its_result_holds_no_buffer(tmp_path: Path) -> None:
    (spec,) = small_plan(write_spoilt(tmp_path, REPLAYING, "replaying"))
    spec = replace(spec, checkpoint_every=3)
    start_server()
    assert run_job(spec, tmp_path / "whole").status == "finished"
    whole = Store(tmp_path / "whole").folder(spec.identity()).path
    for kill_at in (4, 11):
        assert run_in_process(spec, tmp_path / str(kill_at), kill_at) is not None
        killed = Store(tmp_path / str(kill_at)).folder(spec.identity())
        saved = killed.load_checkpoint()
        assert saved is not None and saved["replay"]["filled"] == saved["iteration"] > 0
        assert run_in_process(spec, tmp_path / str(kill_at)) is None
        assert contents(killed.path) == contents(whole)
        state = RunFolder(killed.path).load_state()
        assert state is not None and set(state) == {"bias", "momentum"}


def test_the_buffer_is_copied_neither_by_a_meta_iteration_nor_into_what_is_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (spec,) = small_plan(write_spoilt(tmp_path, REPLAYING, "replaying-once"))
    session = open_session(spec)
    copied: list[int] = []
    deep = torch.Tensor.__deepcopy__

    def watched(tensor: torch.Tensor, memo: dict[int, object]) -> torch.Tensor:
        copied.append(tensor.numel())
        return deep(tensor, memo)

    monkeypatch.setattr(torch.Tensor, "__deepcopy__", watched)
    for _ in range(3):
        session.iterate()
    session.evaluate("validation", "curve")
    assert copied and max(copied) < 1000
    assert session.state["replay"]["returns"] is session.algorithm.replay_state()["returns"]
    evaluated = session.make_algorithm(session.state["algorithm"])
    assert evaluated.replay_state()["filled"] == 0

    resumed = open_session(spec, copy.deepcopy(session.state))
    assert session.iterate() == resumed.iterate()
    assert torch.equal(session.state["algorithm"]["bias"], resumed.state["algorithm"]["bias"])


def test_check_asks_for_a_buffer_that_is_loaded_again(tmp_path: Path) -> None:
    assert all(finding.passed for finding in check(find_algorithm(write_spoilt(tmp_path, REPLAYING, "replaying-good"))))
    findings = check(find_algorithm(write_spoilt(tmp_path, FORGETFUL, "replaying-forgetful")))
    assert {finding.rule for finding in findings if finding.passed is False} == {"reload"}
