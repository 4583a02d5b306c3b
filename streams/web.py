"""The worker's own pages: ``/healthz`` (it runs), ``/readyz`` (it can do its work, or why not) and ``/metrics``."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from streams.metrics import Metrics

__all__ = ["serve"]


@asynccontextmanager
async def serve(host: str, port: int, troubles: Callable[[], list[str]], metrics: Metrics) -> AsyncIterator[None]:
    """Serve on ``host``:``port`` for as long as the context lasts; port 0 serves nothing.

    ``/readyz`` answers 200, or 503 with ``{"ready": false, "troubles": [...]}``; ``/metrics`` gives ``metrics`` in the
    Prometheus text format.
    """
    if not port:
        yield
        return

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        found = troubles()
        return web.json_response({"ready": not found, "troubles": found}, status=503 if found else 200)

    async def page_of_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.page(ready=not troubles()), headers={"Content-Type": CONTENT_TYPE_LATEST})

    site = web.Application()
    site.router.add_get("/healthz", healthz)
    site.router.add_get("/readyz", readyz)
    site.router.add_get("/metrics", page_of_metrics)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
