"""On how many threads one run may work at a time: its bytes are the same on any number, which no identity holds."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import local
from typing import TypeVar

import numpy as np
import torch

P = TypeVar("P")
T = TypeVar("T")


class _Inside(local):
    """Whether the thread that asks is at work on a part of something already."""

    part = False


_inside = _Inside()
_allowed = 1
#: of this process, with its identifier: threads do not live on in a process that is forked
_pool: tuple[int, ThreadPoolExecutor] | None = None


def allowed() -> int:
    """How many threads this process's run may use, its own included."""
    return _allowed


@contextmanager
def allow(count: int) -> Iterator[None]:
    """Within, a run may use so many threads.  torch computes each of its operations on one, as ever."""
    global _allowed, _pool
    if count < 1:
        raise ValueError(f"threads must be at least 1, got {count}")
    before = _allowed, _pool
    _allowed, _pool = count, None
    try:
        yield
    finally:
        if _pool is not None and _pool[0] == os.getpid():
            _pool[1].shutdown(cancel_futures=True)
        _allowed, _pool = before


def each_part(work: Callable[[P], T], parts: Sequence[P]) -> list[T]:
    """What comes of every part, in their order, on as many threads as are allowed.

    Parts must not depend on each other, nor draw from a global generator, since which is done first is chance; what
    they do to torch's grad mode is their own.  A part that has parts of its own works on them one after the other.
    Raises what the first of them that failed has raised, RuntimeError if one has drawn.
    """
    if _allowed == 1 or len(parts) < 2 or _inside.part:
        return [work(part) for part in parts]
    differentiated = torch.is_grad_enabled()

    def worked(part: P) -> T:
        _inside.part = True  # of a thread of the pool, which does nothing else
        with torch.set_grad_enabled(differentiated):
            return work(part)

    before = _generators()
    results = list(_own_pool().map(worked, parts))
    if _generators() != before:
        raise RuntimeError(
            "a part that may be worked on beside others has drawn from a global generator, so that its numbers would "
            "depend on chance: draw before, from a stream, or run with --threads 1"
        )
    return results


def _own_pool() -> ThreadPoolExecutor:
    global _pool
    if _pool is None or _pool[0] != os.getpid():
        _pool = os.getpid(), ThreadPoolExecutor(_allowed, "part", torch.set_num_threads, (1,))
    return _pool[1]


def _generators() -> tuple[object, ...]:
    """The state of Python's, NumPy's and torch's global generators."""
    numpy = np.random.get_state(legacy=False)
    return random.getstate(), repr(numpy), numpy["state"]["key"].tobytes(), torch.get_rng_state().numpy().tobytes()
