"""Where a record was made and by what: recorded beside its identity, deciding nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from benchmarks.specs.machine import processor, this_machine
from environments.threads import allowed
from results.files import sha256_of
from results.identity import run_digest
from results.run_folder import SCHEMA

ROOT = Path(__file__).parent.parent.parent
#: what commands write into a checkout and is no part of its code, beside what git ignores; a record holds the options
#: that tuned values gave its run
RESULTS = ("results/reference", "results/runs", "results/trials", "results/measurements", "benchmarks/tuned/**/*.toml")


def record_of(
    identity: Mapping[str, Any], description: Mapping[str, Any], data: str | None, source: str | None = None
) -> dict[str, Any]:
    """A job's `run.json`, without its attempts.  data: where outside data come from.  source: of a loose file."""
    own = {} if source is None else own_file(source)
    return {
        "schema": SCHEMA,
        "identity": identity,
        "digest": run_digest(identity),
        "description": description,
        "provenance": {**software_and_machine(), "threads": allowed(), "data": data, "source": source, **own},
    }


def own_file(source: str) -> dict[str, str]:
    """Name and SHA-256 of a loose file, by which a reader finds it again; nothing of a module."""
    path = Path(source.partition(":")[0])
    if path.suffix != ".py" or not path.is_file():
        return {}
    return {"source_file": path.name, "source_sha256": sha256_of(path)}


@cache
def software_and_machine() -> dict[str, Any]:
    """The checkout, the installed packages and the machine."""
    commit, dirty = checkout()
    return {
        "commit": commit,
        "dirty": dirty,
        "packages": dict(sorted((found.name, found.version) for found in distributions())),
        "cpu": processor(),
        "machine": this_machine(),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def checkout(root: Path = ROOT) -> tuple[str | None, bool | None]:
    """Commit and whether the working tree differs from it; (None, None) outside a checkout of this project.

    (None, True) where git cannot tell.  Results and what is said of them decide no result: new ones do not make a tree
    differ.
    """
    if not (root / ".git").exists():
        return None, None
    try:
        return _git(root, "rev-parse", "HEAD").strip(), bool(changed_paths(root))
    except (OSError, subprocess.CalledProcessError):  # no git, or no commit yet
        return None, True


def changed_paths(root: Path = ROOT) -> list[str]:
    """Where the working tree differs from the commit, below `root`: what is changed, added or removed, results apart.

    What git ignores is left out.  Raises OSError or CalledProcessError where git cannot tell.
    """
    results = [f":(exclude,top,glob){place}{'' if '*' in place else '/**'}" for place in RESULTS]
    # entries that end in a zero byte hold names of any characters as they are
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
    listed = _git(root, "status", *options, "--", ":(top)", *results)
    return [entry[len("XY ") :] for entry in listed.split("\0") if entry]


def _git(root: Path, *command: str) -> str:
    # without the lock that `status` takes to refresh the index: a killed command would leave it, and block every commit
    called = ["git", "--no-optional-locks", "-C", str(root), *command]
    done = subprocess.run(called, capture_output=True, check=True)
    return os.fsdecode(done.stdout)
