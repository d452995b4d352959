"""Where a record was made and by what: recorded beside its identity, deciding nothing."""

from __future__ import annotations

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
#: what lies in a checkout and is no part of its code
RESULTS = ("results/reference", "results/runs", "results/measurements")


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
        commit = _git(root, "rev-parse", "HEAD")
        data = [f":(exclude,top){folder}" for folder in RESULTS]
        return commit, bool(_git(root, "status", "--porcelain", "--untracked-files=all", "--", ":(top)", *data))
    except (OSError, subprocess.CalledProcessError):  # no git, or no commit yet
        return None, True


def _git(root: Path, *command: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, check=True)
    return done.stdout.strip()
