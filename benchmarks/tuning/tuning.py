"""Tuning of many cells at once: what is left to try, and the choice of each as soon as its last trial has ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.trial_spec import TrialSpec
from benchmarks.tuning.cell import Key, TuningCell, has_failed, key_of, stored_scores
from benchmarks.tuning.document import Outcome
from benchmarks.tuning.scores import configuration_score, trial_score
from results.store import Store, StoredTrial


class CellProgress:
    """A cell with the scores of its trials so far."""

    def __init__(self, cell: TuningCell) -> None:
        self.cell = cell
        self.asked: list[int] = []  # candidates
        self.scores: dict[Key, float] = {}
        self.ended = False

    def ask(self) -> list[TrialSpec]:
        """The next batch's trials, once all before are scored; none where it ends with that."""
        batch = self.cell.candidates.next_batch([configuration_score(each) for each in self.table()])
        self.asked += batch
        self.ended = not batch
        return self.cell.trials_of(batch)

    @property
    def missing(self) -> list[TrialSpec]:
        """Trials that were asked for and have no score."""
        return [trial for trial in self.cell.trials_of(self.asked) if key_of(trial) not in self.scores]

    def table(self) -> list[list[float]]:
        """Scores [candidate][seed] of what was asked for.  Raises KeyError where one is missing."""
        return [[self.scores[key_of(trial)] for trial in self.cell.trials_of([index])] for index in self.asked]

    @property
    def unasked(self) -> int:
        """Trials that a sampler which learns has not proposed yet."""
        effort = self.cell.effort
        return (effort.trials - len(self.asked)) * effort.seeds if effort.learns and not self.ended else 0


class Tuning:
    """Asks each cell for trials, in one round for all samplers but those that learn.

    on_choice: told of a cell once all of its trials have ended; None: each of its candidates failed.
    """

    def __init__(
        self, cells: Sequence[TuningCell], store: Store, on_choice: Callable[[CellProgress, Outcome | None], None]
    ) -> None:
        self.store, self._on_choice = store, on_choice
        self.cells = [CellProgress(cell) for cell in cells]
        self._by_name = {(each.cell.spec.suite, each.cell.spec.algorithm): each for each in self.cells}

    def next_round(self) -> list[TrialSpec]:
        """Trials to carry out; what is stored counts as carried out.  None once every cell has ended."""
        while waiting := [each for each in self.cells if not each.ended and not each.missing]:
            trials = [trial for each in waiting for trial in self._ask(each)]
            for key, score in stored_scores(trials, self.store).items() if trials else ():
                self._by_name[key[:2]].scores[key] = score
        return [trial for each in self.cells for trial in each.missing]

    def note(self, trial: TrialSpec, ended: RunOutcome) -> None:
        """Take over how a trial ended; one that was interrupted, killed, or refused before it began, stays missing.

        A run that a trial begins with is a trial of no cell's.
        """
        if trial.child:
            return
        cell, identity = self._by_name[trial.suite, trial.algorithm], trial.identity()
        if ended.status in ("finished", "stored"):
            stored = self.store.find(identity)
            if isinstance(stored, StoredTrial):
                cell.scores[key_of(trial)] = trial_score(stored)
        elif ended.status == "failed" and has_failed(self.store, identity):  # as the next command judges it
            cell.scores[key_of(trial)] = math.nan
        if not cell.missing and not cell.cell.effort.learns:
            self._ask(cell)

    def _ask(self, cell: CellProgress) -> list[TrialSpec]:
        trials = cell.ask()
        if cell.ended:
            self._on_choice(cell, cell.cell.outcome(cell.table()))
        return trials
