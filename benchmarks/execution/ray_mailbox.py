"""What runs on a Ray cluster say while they run, and whether they should stop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from benchmarks.execution.carried_files import Files
from benchmarks.execution.training import Progress


@dataclass(frozen=True)
class News:
    """Of one run.  `files`: its attempts and its checkpoint, if there is another than before."""

    node: str
    progress: Progress | None
    files: Files | None = None


class Mailbox:
    """An actor beside the driver: nodes post to it, the driver empties it.  It ends with the driver.

    Of each run it holds the latest progress and the latest files alone, however long nobody looks.
    """

    def __init__(self) -> None:
        self._news: dict[int, News] = {}
        self._arrived = asyncio.Event()
        self._stopping = False

    async def post(self, key: int, news: News) -> bool:
        """Whether the run should stop at its next checkpoint.  key: the run's."""
        before = self._news.get(key)
        if before is not None:
            news = News(news.node, news.progress or before.progress, news.files or before.files)
        self._news[key] = news
        self._arrived.set()
        return self._stopping

    async def collect(self, patience: float) -> dict[int, News]:
        """What has been posted since, or will be within so many seconds."""
        try:
            await asyncio.wait_for(self._arrived.wait(), patience)
        except TimeoutError:
            return {}
        self._arrived.clear()
        news, self._news = self._news, {}
        return news

    async def stop(self) -> None:
        self._stopping = True
