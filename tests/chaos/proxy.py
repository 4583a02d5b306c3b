"""An HTTP proxy between the workers and ClickHouse that delays, refuses, cuts, and loses answers."""

import asyncio
import random
from enum import StrEnum
from typing import Final, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, web

__all__ = ["Mood", "Proxy"]

_MAX_BODY: Final = 1 << 28
_TIMEOUT: Final = ClientTimeout(total=60)
_REFUSALS: Final = (429, 500, 502, 503, 504)
#: As a ClickHouse server answers an insert when its disk is full.
_NO_ROOM: Final = "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"
_FORWARDED: Final = ("Content-Type", "Content-Encoding")


class Mood(StrEnum):
    """What the proxy does to each request."""

    PASS = "passes"
    SLOW = "delays"
    REFUSE = "refuses"
    FULL = "has no room"
    CUT = "cuts before"
    LOSE = "loses the answer"
    WITHHOLD = "withholds the answer"
    LATE = "executes later"


class Proxy:
    """Listens on ``url`` and forwards to ``upstream`` in the present ``mood``; without one, in a new mood each time.

    ``WITHHOLD`` executes a request and keeps its answer back until the mood changes, then cuts the connection.
    ``LATE`` cuts the connection at once and executes the request seconds afterwards, when its sender may be long gone.
    """

    def __init__(self, upstream: str, chance: random.Random) -> None:
        self.upstream = upstream
        self.url = ""
        self.mood: Mood | None = Mood.PASS
        #: Requests that something was done to, and requests whose answer is being withheld.
        self.disturbed = 0
        self.withheld = 0
        self._chance = chance
        self._late: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._session = ClientSession(auto_decompress=False, timeout=_TIMEOUT)
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_route("*", "/", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def quiet(self) -> None:
        """Pass everything from now on, and wait for what is still to be executed."""
        self.mood = Mood.PASS
        await asyncio.gather(*self._late)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except ConnectionError:  # its sender was killed
            return _cut(request)
        mood = self.mood or self._chance.choice(tuple(Mood))
        if mood is not Mood.PASS:
            self.disturbed += 1
        match mood:
            case Mood.SLOW:
                await asyncio.sleep(self._chance.uniform(0.1, 3.0))
            case Mood.REFUSE | Mood.FULL:
                return self._refuse(mood)
            case Mood.CUT:
                return _cut(request)
            case Mood.LATE:
                task = asyncio.create_task(self._execute_later(request, body))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                return _cut(request)
        try:
            answer = await self._forward(request, body)
        except (ClientError, TimeoutError):  # ClickHouse is away, and so are we
            return _cut(request)
        if mood is Mood.WITHHOLD:
            self.withheld += 1
            while self.mood is mood:
                await asyncio.sleep(0.05)
            self.withheld -= 1
        return _cut(request) if mood in (Mood.LOSE, Mood.WITHHOLD) else answer

    def _refuse(self, mood: Mood) -> web.Response:
        if mood is Mood.FULL:
            return web.Response(status=500, text=_NO_ROOM, headers={"X-ClickHouse-Exception-Code": "243"})
        return web.Response(status=self._chance.choice(_REFUSALS), text="not now")

    async def _execute_later(self, request: web.Request, body: bytes) -> None:
        await asyncio.sleep(self._chance.uniform(2.0, 20.0))
        try:
            await self._forward(request, body)
        except (ClientError, TimeoutError):  # then never: that may happen to a request too
            return

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        kept = {name: value for name, value in request.headers.items() if name not in ("Host", "Transfer-Encoding")}
        url = f"{self.upstream}/?{request.query_string}"
        async with self._session.request(request.method, url, data=body, headers=kept) as reply:
            content = await reply.read()
            headers = {
                name: value
                for name, value in reply.headers.items()
                if name.startswith("X-ClickHouse") or name in _FORWARDED
            }
            return web.Response(status=reply.status, body=content, headers=headers)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
