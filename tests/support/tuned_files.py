"""Files of tuned values with three made-up trials of ProMP's, for tests."""

from __future__ import annotations

import math
from pathlib import Path

from benchmarks.planning.plan import make_plan
from benchmarks.planning.tuned_file import Trial, setting_of, trials_digest
from benchmarks.specs.run_spec import known_suite

VELOCITY = "half-cheetah-velocity"
TRIALS = (
    Trial({"step_size": 0.001, "gae_lambda": 1.0}, (-95.0, -97.0)),
    Trial({"step_size": 0.003, "gae_lambda": 0.95}, (-80.5, -81.5)),
    Trial({"step_size": 0.1, "gae_lambda": 0.9}, (math.nan, -70.0)),
)


def tuned_text(
    suite: str = VELOCITY,
    algorithm: str = "promp",
    profile: str = "quick",
    owner: str = VELOCITY,
    searched: tuple[str, ...] = ("step_size", "gae_lambda"),
) -> str:
    own = known_suite(owner)
    (cell,) = make_plan(suites=[owner], algorithms=["promp"], seeds=1, profile=profile, tuned=False).cells
    by_profile = {
        name: value for name, value in cell.spec.configuration.items()
        if cell.sources[f"configuration.{name}"].startswith(profile)
    }  # fmt: skip
    setting = setting_of(cell.spec, by_profile, searched)
    parts = [f"{name} = {value}" for name, value in setting.items() if name != "config"]
    config = ", ".join(f"{name} = {value}" for name, value in setting["config"].items())
    lines = [f'suite = "{suite}"', f'profile = "{profile}"', f"[algorithms.{algorithm}]"]
    lines += ["chosen = 1", "published = 0", "profile = 0", "seeds = [1000, 1001]", 'sampler = "qmc"', 'code = "c"']
    lines += [f'suite_digest = "{own.digest}"', f'split_digest = "{own.split.digest}"']
    lines += [f'digest = "{trials_digest(TRIALS)}"', "values = { step_size = 0.003, gae_lambda = 0.95 }"]
    lines += [f"setting = {{ {', '.join(parts)}, config = {{ {config} }} }}"]
    for trial in TRIALS:
        values = ", ".join(f"{name} = {value}" for name, value in trial.values.items())
        lines += [f"[[algorithms.{algorithm}.trials]]", f"values = {{ {values} }}", f"scores = {list(trial.scores)}"]
    return "\n".join(lines) + "\n"


def write(folder: Path, text: str, suite: str = VELOCITY, profile: str = "quick") -> Path:
    path = folder / profile / f"{suite}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
