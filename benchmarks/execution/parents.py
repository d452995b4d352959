"""The runs that a run begins with: made before it where they are missing, and what they leave to it."""

from __future__ import annotations

from benchmarks.specs.job import AnyJob
from benchmarks.specs.run_spec import RunSpec
from benchmarks.verification.proofs import by_terms, standing_for
from environments.problem import Parent
from environments.typed_options import UsageError
from results.run_folder import ARTEFACTS, STATE, RunFolder
from results.store import Store, Stored


def stored_parents(job: AnyJob, store: Store) -> dict[str, Parent]:
    """By role, what the finished runs leave that the job begins with.

    Raises UsageError for one that has not finished, or whose trained state was not kept, StoreError for a damaged one.
    """
    found = {}
    for role, run in job.parent_runs.items():
        stored = standing_run(run, store)
        if stored is None:
            raise UsageError(f"{job.label} begins with a run of {run.label}, which has not finished in {store.root}")
        state = RunFolder(stored.path, read_only=True).load_state()
        if state is None:
            raise UsageError(
                f"{job.label} begins with the trained state of {run.label}, which is missing: there is no "
                f"{stored.path / ARTEFACTS / STATE}, as of all shipped runs; delete {stored.path} and start the "
                "command again, which makes it anew"
            )
        found[role] = Parent(state, stored.done["environment_steps"])
    return found


def standing_run(run: RunSpec, store: Store) -> Stored | None:
    """The finished record of the run by today's code, or by code that is proven equal to it."""
    identity = run.identity()
    return store.find(identity) or standing_for(identity, by_terms(store.alike(identity)))
