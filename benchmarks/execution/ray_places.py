"""How many runs a Ray cluster has room for, and on which of its nodes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from environments.typed_options import UsageError

#: what a run is declared to need beside its cores, in bytes: a paper-size one takes up to 2 GiB
MEMORY = 2 * 1024**3
#: seconds between two looks at the nodes
INTERVAL = 2.0


class Places:
    """`count`: of runs at a time, on the nodes that are not `refused` (whose values say why)."""

    def __init__(self, ray: Any, threads: int, most: int | None) -> None:
        """threads: cores of a run.  most: runs that may be under way."""
        self._ray, self._threads, self._most = ray, threads, most
        self.count = 0
        self.refused: dict[str, str] = {}
        self._nodes: set[str] = set()
        self._looked_at = 0.0

    @property
    def room(self) -> int:
        """How many may be under way: those that wait for a node keep it busy, and make a cluster that can grow."""
        room = self.count + max(2, self.count // 4)
        return room if self._most is None else min(room, self._most)

    def look(self, now: bool = False) -> None:
        """Raises UsageError where no node has what a run takes."""
        if not now and time.monotonic() < self._looked_at + INTERVAL:
            return
        self._looked_at = time.monotonic()
        alive = [node for node in self._ray.nodes() if node["Alive"] and node["NodeID"] not in self.refused]
        self._nodes = {node["NodeID"] for node in alive if node["Resources"].get("CPU", 0) >= self._threads}
        has = [(int(node["Resources"].get("CPU", 0)), int(node["Resources"].get("memory", 0))) for node in alive]
        self.count = sum(min(cores // self._threads, memory // MEMORY) for cores, memory in has)
        cores, memory = max(has, default=(0, 0))
        if cores and not self.count:
            raise UsageError(
                f"a run takes {self._threads} cores and {MEMORY >> 30} GiB, the cluster's largest node has {cores} and "
                f"{memory / 2**30:.1f} GiB; give fewer --threads, or start nodes by `ray start --memory=BYTES`"
            )

    def left_but(self, refused: Mapping[str, str]) -> bool:
        """Whether there is a node that is not among these."""
        return bool(self._nodes - refused.keys())

    def options(self, refused: dict[str, str]) -> dict[str, Any]:
        """What a run asks Ray for.  refused: nodes that cannot make it."""
        options: dict[str, Any] = {"num_cpus": self._threads, "memory": MEMORY, "max_retries": 0}
        without = sorted(self.refused | refused)
        return options | ({"label_selector": {"ray.io/node-id": f"!in({','.join(without)})"}} if without else {})
