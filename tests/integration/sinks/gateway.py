"""A real HTTP proxy in front of ClickHouse that can be absent, refuse, or lose an answer."""

import asyncio
import socket
from collections import deque
from contextlib import suppress
from typing import Final, Self

from aiohttp import ClientSession, web

#: Forward the request, then close the connection instead of passing the answer on.
LOSE_ANSWER: Final = -1


class Gateway:
    """Forwards requests to ``upstream``; ``answers`` are given first, one per INSERT."""

    def __init__(self, upstream: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.answers: deque[int] = deque()
        self.inserts = 0
        self.stored = 0
        self._upstream = upstream
        self._port = port
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = ClientSession(auto_decompress=False)
        application = web.Application(client_max_size=1 << 26)
        application.router.add_route("*", "/", self._handle)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None and self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        body = await request.read()
        answer = 200
        # Only inserts carry a compressed body.
        if "Content-Encoding" in request.headers:
            self.inserts += 1
            answer = self.answers.popleft() if self.answers else 200
        if answer not in (200, LOSE_ANSWER):
            return web.Response(status=answer, text="not now")
        kept = {name: value for name, value in request.headers.items() if name not in ("Host", "Transfer-Encoding")}
        async with self._session.request(
            request.method, f"{self._upstream}/?{request.query_string}", data=body, headers=kept
        ) as reply:
            content = await reply.read()
            if "Content-Encoding" in request.headers and reply.ok:
                self.stored += 1
            if answer == LOSE_ANSWER:
                assert request.transport is not None
                request.transport.abort()
            headers = {
                name: value
                for name, value in reply.headers.items()
                if name.startswith("X-ClickHouse") or name in ("Content-Type", "Content-Encoding")
            }
            return web.Response(status=reply.status, body=content, headers=headers)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Silence:
    """Accepts connections and never answers."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _accept(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
