"""Lemmas 1 and 2 and Theorems 1 and 2 of XMRL-G on small problems that are known exactly.

On each problem the augmentation's lower level is solved and all draws are held, so that the mutual information is a
smooth function of the coefficients' mean and std, and its gradient is had by central differences.

Lemma 1.  `lemma1-error` and `lemma1-cosine`: of a direction against that gradient; `corrected` is the information's
hypergradient by the implicit function theorem on means and stds together, `printed` what the lemma says.  Both are
compared in `lemma1-estimate-cosine` with the gradient of Appendix E's own estimate.  `lemma1-block-error`: of the
derivative of what the printed direction is the gradient of, by stds alone (`printed`) and by both (`corrected`).
`information-share`: of log N; `appendix-e-estimate`: at most 0, where information is not.  `lemma1-residual`,
`lemma1-iterations` and `lemma1-damping`: of conjugate gradient.

Lemma 2.  `lemma2-coefficient-ratio`: of x^2 in the proof's expansion, as printed over Taylor's.  `lemma2-eigenvalue`
(x counts them) and `lemma2-smallest-eigenvalue`: of H-bar, which is said to be positive definite, over the largest in
size.  `lemma2-change`: what mixing adds to a critical task's objective: `exact`, by the proof's reduction to one side
of the pairs (`reduced`), and by the lemma's quadratic form (`printed`).

Theorem 1.  `theorem1-squared-gradient` at x = K: its mean over K iterations with beta = 2 / (C sqrt K), and
`theorem1-bound`, what the proof bounds it by; C and the Lipschitz constant (`smoothness`, `lipschitz`) are the largest
found on a grid.  Theorem 2.  `theorem2-information` at x = iteration, a share of log N, with beta = 1 / C along the
information's gradient (`corrected`), and as far each time along Lemma 1's direction (`printed`); `theorem2-rises`: the
share of iterations in which it rises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import torch

from algorithms.augmentation.bilevel import Bilevel, Draws
from algorithms.augmentation.coefficients import CoefficientDistribution
from algorithms.augmentation.hypergradient import appendix_e_estimate, lemma1_value
from algorithms.augmentation.meta_gaussian import as_gaussian
from algorithms.augmentation.options import AugmentationConfig
from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.xmrl_g_lemmas.problem import MixedBandits
from benchmarks.studies.xmrl_g_lemmas.quadratic_form import quadratic_form
from environments.streams import Streams

#: where rows name the suite
SUITE = "mixed-bandits"
#: of the coefficients, where lemmas are looked at and ascents start
MEAN, STD = 0.78, 0.1
#: of central differences in these
STEP = 1e-4


@dataclass(frozen=True)
class XmrlGLemmasConfig(StudyConfig):
    problems: int = 8
    horizons: tuple[int, ...] = (10, 30, 100, 300)  # K of Theorem 1
    iterations: int = 60  # of Theorem 2
    grid: int = 5  # means, and as many stds, for the smoothness
    ascents: int = 2  # problems for the theorems, the first ones
    parameter_std: float = 0.05
    std_floor: float = 0.02
    posterior_step_size: float = 1.0  # 1 / rho, rho also the damping

    def __post_init__(self) -> None:
        if min(self.problems, self.iterations, self.ascents, *self.horizons) < 1 or self.grid < 2:
            raise ValueError("problems, horizons, iterations and ascents must be at least 1 and grid at least 2")


class XmrlGLemmas(Study):
    """XMRL-G's lemmas and theorems, as printed and as corrected, against exact derivatives."""

    name = "xmrl-g-lemmas"
    Config = XmrlGLemmasConfig
    profiles: ClassVar = {
        "smoke": {"problems": 2, "horizons": (1, 3), "iterations": 3, "grid": 2, "ascents": 1},
        "quick": {"problems": 4, "horizons": (5, 20, 80), "iterations": 25, "grid": 3, "ascents": 1},
        "paper": {"problems": 20, "horizons": (10, 30, 100, 300, 1000), "ascents": 3},
    }
    deterministic = True  # the problems are numbered

    def parts(self) -> Sequence[str]:
        c = self.config
        lemmas = [f"{lemma} {number}" for lemma in ("lemma1", "lemma2") for number in range(c.problems)]
        return [*lemmas, *(part for number in range(c.ascents) for part in self._theorems(number))]

    def _theorems(self, number: int) -> list[str]:
        horizons = [f"theorem1 {number} {horizon}" for horizon in self.config.horizons]
        return [f"smoothness {number}", *horizons, f"theorem2 {number}"]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        what, number, *horizon = part.split()
        setting = Setting(self.config, int(number))
        if what == "theorem1":
            return self._theorem1(setting, kept, int(horizon[0]))
        measured = {
            "lemma1": self._lemma1,
            "lemma2": self._lemma2,
            "smoothness": self._smoothness,
            "theorem2": self._theorem2,
        }
        return measured[what](setting, kept)

    def _lemma1(self, setting: Setting, kept: dict[str, Any]) -> Rows:
        start = CoefficientDistribution.initial(MEAN, STD, 1)
        levels = setting.levels(start)
        differences = setting.differences(start)
        directions = {"corrected": levels.hypergradient("information"), "printed": levels.hypergradient("lemma1")}
        rows: Rows = []
        for name, (found, implicit) in directions.items():
            at = setting.place(name)
            exact = differences["information"]
            rows.append(row("lemma1-error", relative(found, exact), **at))
            rows.append(row("lemma1-cosine", cosine(found, exact), **at))
            rows.append(row("lemma1-estimate-cosine", cosine(found, differences["estimate"]), **at))
            rows.append(row("lemma1-residual", implicit.residual, **at))
        both, _ = levels.hypergradient("lemma1", stds_alone=False)
        rows.append(row("lemma1-block-error", relative(both, differences["lemma1"]), **setting.place("corrected")))
        alone = directions["printed"][0]
        rows.append(row("lemma1-block-error", relative(alone, differences["lemma1"]), **setting.place("printed")))
        at = setting.place()
        config = setting.config
        rows.append(row("information-share", levels.information / math.log(config.coefficient_sets), **at))
        rows.append(row("appendix-e-estimate", appendix_e_estimate(levels.gaussians), **at))
        rows.append(row("lemma1-iterations", config.hypergradient_iterations, **at))
        rows.append(row("lemma1-damping", 1 / config.posterior_step_size, **at))
        return rows

    def _lemma2(self, setting: Setting, kept: dict[str, Any]) -> Rows:
        problem, rows = setting.problem, []
        coefficients = torch.ones(len(problem.advantages), dtype=torch.float64)
        adapted = problem.adapted(setting.start["weight"], coefficients).detach()
        forms = [quadratic_form(problem, adapted[task], task, MEAN, STD) for task in range(problem.critical)]
        for task, form in enumerate(forms):
            at = {**setting.place(), "task": f"task-{task}"}
            rows.append(row("lemma2-coefficient-ratio", form.printed / (form.second / 2), **at))
            size = float(form.eigenvalues.abs().max())
            rows.append(row("lemma2-smallest-eigenvalue", float(form.eigenvalues.min()) / size, **at))
            rows += [
                row("lemma2-eigenvalue", float(value) / size, x=place, **at)
                for place, value in enumerate(form.eigenvalues)
            ]
        for name, changes in (
            ("exact", [form.change for form in forms]),
            ("reduced", [form.reduced for form in forms]),
            ("printed", [form.form for form in forms]),
        ):
            rows.append(row("lemma2-change", sum(changes) / len(changes), **setting.place(name)))
        return rows

    def _smoothness(self, setting: Setting, kept: dict[str, Any]) -> Rows:
        """The largest norms of the information's gradient and of its Hessian, by differences of gradients."""
        count, gradients, hessians = self.config.grid, [], []
        for mean in torch.linspace(MEAN - 0.08, MEAN + 0.08, count).tolist():
            for std in torch.linspace(STD - 0.05, STD + 0.05, count).tolist():
                here = CoefficientDistribution.initial(mean, std, 1)
                gradients.append(float(setting.gradient(here).norm()))
                columns = []
                for change in (torch.tensor([[STEP], [0.0]]), torch.tensor([[0.0], [STEP]])):
                    ends = [setting.gradient(here.moved(change, sign)) for sign in (1.0, -1.0)]
                    columns.append(((ends[0] - ends[1]) / (2 * STEP)).flatten())
                hessians.append(float(torch.linalg.matrix_norm(torch.stack(columns), 2)))
        kept[f"smoothness {setting.number}"] = max(hessians), max(gradients)
        at = setting.place()
        return [row("smoothness", max(hessians), **at), row("lipschitz", max(gradients), **at)]

    def _theorem1(self, setting: Setting, kept: dict[str, Any], horizon: int) -> Rows:
        smoothness, lipschitz = kept[f"smoothness {setting.number}"]
        size = 2 / (smoothness * math.sqrt(horizon))
        place, squares, values = CoefficientDistribution.initial(MEAN, STD, 1), [], []
        for _ in range(horizon):
            levels = setting.levels(place)
            gradient, _ = levels.hypergradient("information")
            squares.append(float(gradient.square().sum()))
            values.append(levels.information)
            place = place.moved(gradient, size)
        gained = setting.levels(place).information - values[0]
        bound = (smoothness / 2 * gained + lipschitz**2) / math.sqrt(horizon)
        at = {**setting.place(), "x": horizon}
        mean = sum(squares) / horizon
        return [row("theorem1-squared-gradient", mean, **at), row("theorem1-bound", bound, **at)]

    def _theorem2(self, setting: Setting, kept: dict[str, Any]) -> Rows:
        smoothness, _ = kept[f"smoothness {setting.number}"]
        rows: Rows = []
        for name in ("corrected", "printed"):
            place, shares = CoefficientDistribution.initial(MEAN, STD, 1), []
            for _ in range(self.config.iterations + 1):
                levels = setting.levels(place)
                shares.append(levels.information / math.log(setting.config.coefficient_sets))
                gradient, _ = levels.hypergradient("information")
                if name == "printed":
                    printed, _ = levels.hypergradient("lemma1")
                    gradient = printed * gradient.norm() / printed.norm().clamp(min=1e-300)
                place = place.moved(gradient, 1 / smoothness)
            at = setting.place(name)
            rows += [row("theorem2-information", share, x=k, **at) for k, share in enumerate(shares)]
            rises = [after > before for before, after in pairwise(shares)]
            rows.append(row("theorem2-rises", sum(rises) / len(rises), **at))
        return rows

    def seconds(self) -> float:
        c = self.config
        levels = c.problems * 6 + c.ascents * (5 * c.grid**2 + sum(c.horizons) + 2 * c.iterations)
        return 0.4 * levels


class Setting:
    """A numbered problem with its draws held."""

    def __init__(self, config: XmrlGLemmasConfig, number: int) -> None:
        streams = Streams(number)
        self.number, self.problem = number, MixedBandits.drawn(streams)
        self.start = self.problem.parameters(streams)
        self.config = AugmentationConfig(
            parameter_draws=2,
            posterior_steps=200,
            posterior_step_size=config.posterior_step_size,
            information_draws=128,
            hypergradient_iterations=40,
            hypergradient_tolerance=1e-10,
            hessian_products="exact",
        )
        self._floor = config.std_floor
        self._gaussian = as_gaussian(self.start, config.parameter_std)
        generator = streams.torch("draws")
        self._draws = Draws.drawn(self.config, self.problem.critical, self._gaussian, generator)

    def place(self, algorithm: str = "") -> dict[str, Any]:
        return {"suite": SUITE, "algorithm": algorithm, "index": self.number}

    def levels(self, distribution: CoefficientDistribution) -> Bilevel:
        weights = torch.full_like(self._gaussian, 1 / self.config.posterior_step_size)
        objective, start, floor = self.problem.objective, self.start, self._floor
        return Bilevel(objective, start, distribution, self._draws, self._gaussian, weights, floor, self.config)

    def gradient(self, distribution: CoefficientDistribution) -> torch.Tensor:
        return self.levels(distribution).hypergradient("information")[0]

    def differences(self, here: CoefficientDistribution) -> dict[str, torch.Tensor]:
        """Derivatives by (mean, std), [2, 1], by central differences of the whole problem."""
        found: dict[str, list[float]] = {"information": [], "estimate": [], "lemma1": []}
        for name in ("mean", "std"):
            ends = []
            for sign in (1, -1):
                levels = self.levels(replace(here, **{name: getattr(here, name) + sign * STEP}))
                stds = levels.gaussians
                ends.append((levels.information, appendix_e_estimate(stds), lemma1_value(stds)))
            for quantity, ahead, behind in zip(found, *ends, strict=True):
                found[quantity].append((ahead - behind) / (2 * STEP))
        return {name: torch.tensor(values, dtype=torch.float64).view(2, 1) for name, values in found.items()}


def relative(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found - exact).norm() / exact.norm())


def cosine(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found * exact).sum() / (found.norm() * exact.norm()).clamp(min=1e-300))
