"""Which values tuning tries: the paper's, the profile's, then those of a seeded sampler of Optuna's, none twice.

Every sampler is asked for all that it gives at once, in an order that its seed fixes, but for `tpe`, which learns from
batches that are scored before the next is asked for.  In place of a sampler's, the values may be those that another
profile's trials ranked highest.
"""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from algorithms.search_space import Choice, Integers, LogRange, Range, Space
from environments.typed_options import UsageError, nearest

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

Values = Mapping[str, Any]
SAMPLERS = ("qmc", "random", "tpe", "grid")
#: trials that tpe proposes before it is told the scores of any of them, however many workers there are
BATCH = 4
#: significant digits of a sampled number: a table shows it whole
DIGITS = 3
#: draws in a row that may repeat earlier ones, or be refused, before a space counts as used up
PATIENCE = 200


class Candidates:
    """Grows until it holds `trials` different configurations.

    completed: the searched options' values as a run would get them, None for those that the algorithm refuses.
    """

    def __init__(
        self,
        space: Mapping[str, Space],
        first: Sequence[Values],
        trials: int,
        sampler: str,
        points: int,
        completed: Callable[[Values], Values | None],
        ranked: Sequence[Values] | None = None,
    ) -> None:
        """first: the paper's values and the profile's, in the space or not.  points: of each option, in a grid.

        ranked: what to try next, the best first, in place of a sampler's draws.
        """
        if sampler not in SAMPLERS:
            raise UsageError(f"there is no sampler {sampler!r}; {nearest(sampler, SAMPLERS)}")
        self._ranked = ranked
        self.space, self.trials, self.sampler, self.points = space, trials, sampler, points
        self._completed = completed
        self.found: list[Values] = []
        self._seen: set[str] = set()
        self._asked = 0
        for values in first:
            self._add(values)

    @property
    def most(self) -> int:
        """How many there may be in the end, before any is made; what another profile tried is known and counted."""
        if self._ranked is not None:
            keys = {self._key(whole) for each in self._ranked if (whole := self._completed(each)) is not None}
            return min(len(self._seen | keys), self.trials)
        if self.sampler == "grid":
            return len(self.found) + math.prod(len(space.grid(self.points)) for space in self.space.values())
        return self.trials

    def next_batch(self, scores: Sequence[float]) -> list[int]:
        """Numbers of the candidates to score next, none once there are `trials`; those of `first` come first.

        scores: of all that were asked for before, the higher the better; minus infinity is the worst.
        """
        begin = self._asked
        if len(scores) != begin:
            raise ValueError(f"{begin} candidates were asked for, {len(scores)} scores are given")
        if self._ranked is not None:
            self._fill(iter(self._ranked), self.trials)
        elif self.sampler == "grid":
            self._fill(_grid(self.space, self.points), math.inf)
        elif self.sampler != "tpe":
            self._fill(self._drawn(), self.trials)
        elif begin:  # it begins from the scores of the first
            self._fill(self._proposed(scores), min(self.trials, begin + BATCH))
        self._asked = len(self.found)
        return list(range(begin, len(self.found)))

    def _fill(self, draws: Iterator[Values], until: float) -> None:
        repeats = 0
        while len(self.found) < until and repeats < PATIENCE:
            values = next(draws, None)
            if values is None:
                return
            repeats = 0 if self._add(values) else repeats + 1

    def _add(self, values: Values) -> bool:
        whole = self._completed(values)
        if whole is None or self._key(whole) in self._seen:
            return False
        self._seen.add(self._key(whole))
        self.found.append(whole)
        return True

    @staticmethod
    def _key(whole: Values) -> str:
        return json.dumps(whole, sort_keys=True)

    def _drawn(self) -> Iterator[Values]:
        """Of the quasi-random sampler or the random one, without end."""
        study = _study(self.sampler, 0)
        if self.sampler == "qmc":  # what it draws first is random unless it knows of a trial
            _tell(study, self.space, {name: space.grid(1)[0] for name, space in self.space.items()}, 0.0)
        while True:
            yield _asked(study, self.space)

    def _proposed(self, scores: Sequence[float]) -> Iterator[Values]:
        """Of tpe, told of all scores; what it is asked for next knows what it was asked for before."""
        study = _study("tpe", len(scores))
        for values, score in zip(self.found, scores, strict=True):
            if all(space.contains(values[name]) for name, space in self.space.items()):
                _tell(study, self.space, values, score)
        while True:
            yield _asked(study, self.space)


def _grid(space: Mapping[str, Space], points: int) -> Iterator[Values]:
    axes = [[_short(value, each) for value in each.grid(points)] for each in space.values()]
    return (dict(zip(space, point, strict=True)) for point in itertools.product(*axes))


def _study(sampler: str, seed: int) -> Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of these samplers and options are called experimental
        made = {
            "qmc": lambda: optuna.samplers.QMCSampler(scramble=True, seed=seed, warn_independent_sampling=False),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
            "tpe": lambda: optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True),
        }[sampler]()
        return optuna.create_study(direction="maximize", sampler=made)


def _tell(study: Study, space: Mapping[str, Space], values: Values, score: float) -> None:
    from optuna.trial import create_trial

    inner = {name: _place(each, values[name]) if isinstance(each, Choice) else values[name]
             for name, each in space.items()}  # fmt: skip
    study.add_trial(create_trial(params=inner, distributions=_distributions(space), value=score))


def _asked(study: Study, space: Mapping[str, Space]) -> Values:
    asked = study.ask(_distributions(space)).params
    return {name: each.values[asked[name]] if isinstance(each, Choice) else _within(each, _short(asked[name], each))
            for name, each in space.items()}  # fmt: skip


def _distributions(space: Mapping[str, Space]) -> dict[str, BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    def one(space: Space) -> BaseDistribution:
        if isinstance(space, Choice):
            return CategoricalDistribution(tuple(range(len(space.values))))
        if isinstance(space, Integers):
            return IntDistribution(space.low, space.high, log=space.log)
        return FloatDistribution(space.low, space.high, log=isinstance(space, LogRange))

    return {name: one(each) for name, each in space.items()}


def _place(space: Choice, value: Any) -> int:
    plain = json.dumps(value)  # what was completed has lists for tuples
    return next(place for place, one in enumerate(space.values) if json.dumps(one) == plain)


def _short(value: Any, space: Space) -> Any:
    """A number with as many significant digits as tell it from others of its space."""
    if not isinstance(value, float):
        return value
    digits = DIGITS
    if isinstance(space, Range | LogRange):  # a narrow one: those that all its numbers share come on top
        shared = math.log10(max(abs(space.low), abs(space.high)) / (space.high - space.low))
        digits += max(math.floor(shared), 0)
    return float(f"{value:.{digits}g}")


def _within(space: LogRange | Range | Integers, value: Any) -> Any:
    """Rounding must not leave the space."""
    return min(max(value, space.low), space.high)
