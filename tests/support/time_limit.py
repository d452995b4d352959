"""An end for tests that wait for what may never come, as where what they are of is broken."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

#: many times what the slowest test takes on a busy machine
SECONDS = 1200


@pytest.fixture
def time_limit() -> Iterator[None]:
    """Fails a test that takes longer, at the line where it waits."""

    def give_up(number: int, frame: FrameType | None) -> None:
        pytest.fail(f"not done after {SECONDS} seconds: what is waited for here does not come")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
