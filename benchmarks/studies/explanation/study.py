"""Which training tasks decide the poorly-adapted ones, and what follows from it: XMRL-G's Table 2 and Appendix B.

On each suite, within one budget each: MAML, XMRL-G, MAML on the critical tasks alone and MAML on as many random ones,
several times.  MAML's last iterate is explained: the validation tasks to which it adapts worst are poor; other episodes
of theirs, and of the training tasks, give the training tasks' weights.  Every policy is then scored on further
episodes, so that what made a task poor does not score it: regression to the mean would otherwise help whoever comes
second.  A training task is non-critical here if neither the explanation nor XMRL-G's own calls it critical.

XMRL-G's parts share one budget, so it meta-trains on less than MAML does.  To tell that from what augmentation does,
three policies go on from that MAML by a further share of the budget (`continued`): MAML itself, XMRL-G's augmentation
of the critical tasks, and MAML on the weighted objectives (Remark 1).

Rows, of the suite's metric after adaptation unless they say otherwise:

- `score on the <group>`, by policy and task, `index` the number of a random set: poorly-adapted tasks, other validation
  tasks, critical tasks, non-critical training tasks, test tasks.  Policies: `maml-vpg`, `xmrl-g`, `xmrl-g-critical` (on
  the critical tasks alone), `xmrl-g-five-random`, and the three that go on from MAML, `maml-vpg-continued`,
  `xmrl-g-continued` and `xmrl-g-weighted` (Remark 1's objective, weighted by the explanation);
- `generalisation gap`: the mean over training tasks, critical and others in their shares, less that over test tasks;
- of the explanation `weight`, `influence`, `critical`, `poor` and the permutation null (`evidence.py`), and the tasks'
  parameters, `train velocity` and the like, from which the page draws them;
- `metric <name>` of XMRL-G's training, `index` the meta-iteration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from algorithms.algorithm import Algorithm, Metrics
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner
from benchmarks.specs.study import Rows, Study, row
from benchmarks.studies.explanation.evidence import explained, explanation_rows
from benchmarks.studies.explanation.policies import BASE, WeightedMaml, scores, session_of, suite_with, train
from benchmarks.studies.explanation.settings import DRONE, HOPPER, WALKER, ExplanationStudyConfig, OnSuite
from environments.streams import Streams
from environments.task import TaskRef

#: MAML on the critical tasks alone, and on as many random ones
CRITICAL, RANDOM = "xmrl-g-critical", "xmrl-g-five-random"
#: what goes on from a trained MAML: on the plain objective, on critical tasks' mixed data, on the weighted objective
PLAIN, AUGMENTED, WEIGHTED = "maml-vpg-continued", "xmrl-g-continued", "xmrl-g-weighted"
CONTINUED: dict[str, str | type[Algorithm]] = {PLAIN: BASE, AUGMENTED: "xmrl-g", WEIGHTED: WeightedMaml}
GAP_TASKS = "training tasks drawn by chance"
#: that MAML's training has as well, and that would be a row for each meta-iteration
EVERY_METHODS = ("return_step", "objective", "std_")
#: seconds of one core for an environment step, sampled and learned from, by suite
SECONDS = {
    "drone-obstacles": (5e-6, 1.4e-5),
    "dow30-turbulence": (8e-6, 2.5e-5),
    "half-cheetah-velocity": (2.7e-5, 2.5e-5),
    "hopper-velocity": (5.6e-5, 2.5e-5),
    "walker2d-velocity": (7.7e-5, 2.5e-5),
}
OTHERWISE = (5e-5, 2.5e-5)
#: so many times as long as learning from its data takes an iteration of the explanation, and XMRL-G beside MAML
EXPLAINING, AUGMENTING = 4, 5


class ExplanationStudy(Study):
    """Critical tasks of a trained MAML, and whether they are: fidelity, harm to other tasks, generalisation gap."""

    name = "explanation"
    Config = ExplanationStudyConfig
    profiles: ClassVar = {
        "smoke": {
            "suites": (
                "drone-obstacles[horizon=10]",
                "dow30-turbulence[horizon=10]",
                "half-cheetah-velocity[control_cost=0,horizon=10]",
                "hopper-velocity[horizon=10]",
                "walker2d-velocity[horizon=10]",
            ),
            "per_suite": (),
            "budget": 8_400,
            "tasks": 2,
            "trajectories": 2,
            "hidden": (8,),
            "replicates": 2,
            "importance_iterations": 1,
            "random_sets": 2,
            "choosing": 1,
            "adaptations": 1,
            "scored": 3,
        },
        "quick": {
            "per_suite": (
                f"drone-obstacles[budget=480000,{DRONE}]",
                "dow30-turbulence[budget=210000]",
                HOPPER,
                WALKER,
            ),
            "budget": 160_000,
            "continued": 0.25,
            "tasks": 5,
            "trajectories": 5,
            "replicates": 2,
            "importance_iterations": 2,
            "adaptations": 1,
            "random_sets": 2,
            "scored": 6,
        },
        "paper": {"budget": 20_000_000, "tasks": 20, "trajectories": 20},
    }

    def parts(self) -> Sequence[str]:
        trained = [BASE, *self._others]
        later = [*CONTINUED, CRITICAL, *(f"{RANDOM} {number}" for number in range(1, self.config.random_sets + 1))]
        return [f"{suite} {part}" for suite in self.config.suites for part in (*trained, "explanation", *later)]

    @property
    def _others(self) -> list[str]:
        """What is trained on all training tasks beside MAML."""
        return [name for name in self.config.algorithms if name != BASE]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        """Trains a policy, or explains the trained ones; scores what the explanation lets score."""
        suite, _, what = part.partition(" ")
        name, _, number = what.partition(" ")
        streams, settings = self.streams.child(suite), self.config.on(suite)
        if name == BASE:
            kept.clear()  # of the suite before
        if name in (BASE, *self._others):
            return self._train(suite, name, settings, streams.child(name), kept)
        if name == "explanation":
            return self._explain(suite, settings, streams, kept)
        if name in CONTINUED:
            return self._continue(suite, name, settings, streams, kept)
        return self._train_on_few(suite, name, int(number or 0), settings, streams, kept)

    def _train(self, name: str, algorithm: str, settings: OnSuite, streams: Streams, kept: dict[str, Any]) -> Rows:
        session = session_of(suite_with(name), algorithm, settings, streams)
        metrics = train(session)
        kept[algorithm] = session.state
        if algorithm == BASE:
            return []
        return metric_rows(name, algorithm, session.spent, metrics)

    def _explain(self, name: str, settings: OnSuite, streams: Streams, kept: dict[str, Any]) -> Rows:
        """Explains MAML; scores it and what else is trained by now."""
        suite = suite_with(name)
        sessions = {
            algorithm: session_of(suite, algorithm, settings, streams.child(algorithm), kept[algorithm])
            for algorithm in (BASE, *self._others)
        }
        learner = sessions[BASE].make_algorithm(kept[BASE]["algorithm"])
        assert isinstance(learner, GradientMetaLearner)
        found = explained(learner, suite, settings, streams.child("explanation"))
        critical = [suite.split.train[index].id for index in found.explanation.critical]
        learners: dict[str, Algorithm] = {
            algorithm: session.make_algorithm(session.state["algorithm"]) for algorithm, session in sessions.items()
        }
        taken = {*critical, *(each for other in learners.values() for each in getattr(other, "critical", ()))}
        free = [task.id for task in suite.split.train if task.id not in taken]
        drawn = streams.numpy("scored").permutation(len(free))[: settings.scored]
        every = [task.id for task in suite.split.train]
        chance = streams.numpy("drawn by chance").permutation(len(every))[: settings.scored]
        kept["groups"] = {
            "poorly-adapted tasks": list(found.poor),
            "other validation tasks": [task.id for task in suite.split.validation if task.id not in found.poor],
            "critical tasks": critical,
            "non-critical training tasks": [free[index] for index in sorted(drawn.tolist())],
            GAP_TASKS: [every[index] for index in sorted(chance.tolist())],
            "test tasks": [task.id for task in suite.split.test],
        }
        kept["weights"] = dict(zip(every, found.explanation.weights.tolist(), strict=True))
        rows = explanation_rows(name, suite, found)
        for algorithm, each in learners.items():
            rows += self._scored(name, algorithm, 0, each, sessions[algorithm].spent, settings, streams, kept)
        return rows

    def _continue(self, name: str, policy: str, settings: OnSuite, streams: Streams, kept: dict[str, Any]) -> Rows:
        """From MAML's last iterate, with its streams: the plain one is MAML trained for longer."""
        more = replace(settings, budget=round((1 + settings.continued) * settings.budget))
        own = {AUGMENTED: {"critical": kept["groups"]["critical tasks"]}, WEIGHTED: {"weights": kept["weights"]}}
        state = {**kept[BASE], "algorithm": {**kept[BASE]["algorithm"], **own.get(policy, {})}}
        session = session_of(suite_with(name), CONTINUED[policy], more, streams.child(BASE), state)
        metrics = train(session)
        learner = session.make_algorithm(session.state["algorithm"])
        rows = self._scored(name, policy, 0, learner, session.spent, settings, streams, kept)
        return rows + (metric_rows(name, policy, session.spent, metrics) if policy == AUGMENTED else [])

    def _train_on_few(
        self, name: str, policy: str, number: int, settings: OnSuite, streams: Streams, kept: dict[str, Any]
    ) -> Rows:
        every = [task.id for task in suite_with(name).split.train]
        drawn = streams.numpy("random set", number).choice(len(every), settings.critical_tasks, replace=False)
        few = kept["groups"]["critical tasks"] if policy == CRITICAL else [every[index] for index in drawn.tolist()]
        session = session_of(suite_with(name, few), BASE, settings, streams.child(policy, number))
        train(session)
        learner = session.make_algorithm(session.state["algorithm"])
        return self._scored(name, policy, number, learner, session.spent, settings, streams, kept)

    def _scored(
        self,
        name: str,
        policy: str,
        number: int,
        learner: Algorithm,
        spent: int,
        settings: OnSuite,
        streams: Streams,
        kept: dict[str, Any],
    ) -> Rows:
        """On every group of tasks; all policies are given the same draws."""
        suite, groups = suite_with(name), kept["groups"]
        splits = {task.id: split for split in ("train", "validation", "test") for task in suite.split.tasks(split)}
        tasks = [(group, task) for group, ids in groups.items() for task in ids]
        references = [TaskRef(splits[task], task) for _, task in tasks]
        values = scores(learner, references, suite, settings, streams.child("scores")).tolist()
        place: dict[str, Any] = {"suite": name, "algorithm": policy, "index": number, "x": spent}
        means = {
            group: sum(value for (of, _), value in zip(tasks, values, strict=True) if of == group) / len(ids)
            for group, ids in groups.items()
            if ids
        }
        rows = [
            row(f"score on the {group}", value, task=task, **place)
            for (group, task), value in zip(tasks, values, strict=True)
        ]
        return [*rows, row("generalisation gap", means[GAP_TASKS] - means["test tasks"], **place)]

    def seconds(self) -> float:
        return sum(self._seconds_on(suite) for suite in self.config.suites)

    def _seconds_on(self, name: str) -> float:
        settings, suite = self.config.on(name), suite_with(name)
        sampling, learning = SECONDS.get(suite.name, OTHERWISE)
        batch = settings.trajectories * suite.horizon
        policies = 2 + settings.random_sets
        scored = 10 + 20 + settings.critical_tasks + 2 * settings.scored
        steps = (policies + len(CONTINUED) * settings.continued) * settings.budget
        evaluated = (policies + len(CONTINUED) + len(self._others)) * scored * settings.adaptations
        evaluated += settings.choosing * 10 + settings.replicates * (50 + settings.poor_tasks)
        evaluated *= batch * (settings.adaptation_steps + 1)
        explaining = settings.replicates * 55 * batch * (settings.adaptation_steps + 1)
        own = (len(self._others) + settings.continued) * settings.budget
        total = (steps + own) * (sampling + learning) + evaluated * (sampling + 0.5 * learning)
        explaining *= EXPLAINING * settings.importance_iterations
        return 1 + total + (explaining + AUGMENTING * own) * learning


def metric_rows(suite: str, algorithm: str, spent: int, metrics: Sequence[Metrics]) -> Rows:
    """XMRL-G's own metrics, `index` the meta-iteration."""
    place: dict[str, Any] = {"suite": suite, "algorithm": algorithm, "x": spent}
    return [
        row(f"metric {key}", value, index=iteration, **place)
        for iteration, found in enumerate(metrics)
        for key, value in found.items()
        if not key.startswith(EVERY_METHODS)
    ]
