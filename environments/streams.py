"""Keyed random streams: every draw of a run is a function of (seed, purpose, index)."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


class Streams:
    """Random generators keyed by purpose and index under one root seed.

    No generator outlives its use, so a resumed run needs no generator state:
    asking again for the same key gives the same draws.
    """

    def __init__(self, seed: int, prefix: tuple[int, ...] = ()) -> None:
        if not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed must be an integer of at least 0, got {seed!r}")
        self.seed = seed
        self._prefix = prefix

    def child(self, purpose: str, *index: int) -> Streams:
        """A family of streams of its own under (purpose, index)."""
        return Streams(self.seed, (*self._prefix, _key(purpose), *index))

    def numpy(self, purpose: str, *index: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(self._sequence(purpose, index)))

    def torch(self, purpose: str, *index: int) -> torch.Generator:
        import torch

        generator = torch.Generator()
        generator.manual_seed(self.integer(purpose, *index))
        return generator

    def integer(self, purpose: str, *index: int) -> int:
        """A seed of 63 bits, for what takes a seed rather than a generator."""
        return int(self._sequence(purpose, index).generate_state(1, np.uint64)[0] >> np.uint64(1))

    def seed_globals(self, purpose: str, *index: int) -> None:
        """Seed Python's, NumPy's and torch's global generators, for libraries that use them."""
        import torch

        seed = self.integer(purpose, *index)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)

    def _sequence(self, purpose: str, index: tuple[int, ...]) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.seed, spawn_key=(*self._prefix, _key(purpose), *index))


def _key(purpose: str) -> int:
    return zlib.crc32(purpose.encode())
