"""Edits at an even pace, on connections of their own, and what was answered when."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.torturing.clients import HEADERS, PATH
from bench.torturing.wire import Broken, Connection


@dataclass(frozen=True, slots=True)
class Edit:
    """One that was answered; `port` is that of the connection it went over."""

    flow: str
    version: int
    sent: float
    answered: float
    port: int


class Editors:
    """`answers` counts them by status; an edit whose connection broke may be there or not."""

    def __init__(self, port: int, flows: Sequence[str], connections: int) -> None:
        self.edits: list[Edit] = []
        self.answers: Counter[int] = Counter()
        self._turns = itertools.cycle(flows)
        self._numbers = itertools.count(1)
        self._idle = [Connection(port) for _ in range(connections)]

    async def work(self, a_second: int, seconds: float) -> None:
        """Begins an edit whenever it is time, whatever has become of those before."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in range(round(a_second * seconds)):
                await asyncio.sleep(max(0.0, began + number / a_second - loop.time()))
                group.create_task(self.edit(next(self._turns)))

    async def edit(self, flow: str) -> None:
        while not self._idle:  # noqa: ASYNC110 (all connections wait for their answers: the server is behind)
            await asyncio.sleep(0.001)
        connection = self._idle.pop()
        body = json.dumps({"description": f"Edit {next(self._numbers)}"}).encode()
        sent = time.perf_counter()
        try:
            answer = await connection.send("PUT", f"{PATH}/{flow}", HEADERS, body)
        except Broken:
            return
        finally:
            self._idle.insert(0, connection)
        self.answers[answer.status] += 1
        if answer.status == 200:
            version = int(answer.headers["etag"].strip('"'))
            self.edits.append(Edit(flow, version, sent, time.perf_counter(), connection.own_port))

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
