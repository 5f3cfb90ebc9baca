"""Notes what came of messages: all that end while one transaction is under way are noted in the next one."""

import asyncio
from collections.abc import Callable, Sequence

from graphql_api.delivery.tenure import Deposed, Tenure
from graphql_api.domain.errors import Refused
from graphql_api.storage.engine import Row, Script

AGAIN = 1.0
"""Seconds until the database is asked once more."""

Entry = Callable[[Row], Script[bool]]
"""Is told the row of the sender. Carried out twice it must be as if it had been once."""


class Ledger:
    """Works from when it is made until it is stopped."""

    def __init__(self, tenure: Tenure) -> None:
        self._tenure = tenure
        self._waiting: list[tuple[Entry, asyncio.Future[bool]]] = []
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def note(self, entry: Entry) -> bool:
        """Waits for the database as long as it takes: what was delivered is not to be sent again. Raises Deposed."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        self._news.set()
        return await done

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            batch, self._waiting = self._waiting, []
            await self._write(batch)

    async def _write(self, batch: Sequence[tuple[Entry, asyncio.Future[bool]]]) -> None:
        """A fault in one entry must not keep the others from being noted."""
        try:
            answers = await self._written([entry for entry, _ in batch])
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, Deposed):
                for one in batch:
                    await self._write([one])
                return
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
        else:
            for (_, done), answer in zip(batch, answers, strict=True):
                if not done.done():
                    done.set_result(answer)

    async def _written(self, entries: Sequence[Entry]) -> Sequence[bool]:
        while True:
            try:
                return await self._tenure.write(lambda row: _all(entries, row))
            except Refused:
                await asyncio.sleep(AGAIN)


def _all(entries: Sequence[Entry], row: Row) -> Script[list[bool]]:
    answers = []
    for entry in entries:
        answers.append((yield from entry(row)))
    return answers
