"""Made-up trials of tuning, for tests of reports."""

from __future__ import annotations

import numpy as np

from reports.scores.tuning import TunedMethod, TunedTrial


def tuned_method(
    algorithm: str = "promp",
    suite: str = "point",
    *,
    trials: int = 16,
    profile: str = "smoke",
    failed: tuple[int, ...] = (),
    level: float = 10.0,
    sampler: str = "qmc",
    key: int = 0,
) -> TunedMethod:
    """Trials whose score is best where `inner_step_size` is 0.1 and does not depend on `clip` and `first_order`.

    Trial 0 is the published one, trial 1 the profile's; the failed ones end in NaN.
    """
    generator = np.random.default_rng([key, *algorithm.encode()])
    made = []
    for index in range(trials):
        step = 10 ** generator.uniform(-3, 1) if index > 1 else (0.003, 0.01)[index]
        values = {
            "inner_step_size": float(step),
            "clip": float(generator.uniform(0.1, 0.5)),
            "first_order": bool(generator.integers(2)),
        }
        scores = level - 3 * (np.log10(step) + 1) ** 2 + generator.normal(0, 0.5, size=2)
        made.append(TunedTrial(values, (float("nan"), 1.0) if index in failed else tuple(scores.tolist())))
    chosen = int(np.argmax([trial.score for trial in made]))
    return TunedMethod(suite, profile, algorithm, tuple(made), chosen, 0, 1, (1000, 1001), sampler, "d" * 64, "a file")
