"""The application: routes, and the answer to a query.

Every answer is whole before it is sent, so its status is final: an error never follows a 200.
"""

import asyncio
import json
import platform
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from aiohttp import web
from pydantic import SecretStr

from deploy.embedded.engine.connection import Answer
from deploy.embedded.engine.engine import Engine, Job
from deploy.embedded.engine.errors import ClickHouseError, Code
from deploy.embedded.httpd.auth import authenticate
from deploy.embedded.httpd.body import compress, negotiate
from deploy.embedded.httpd.request import read_job
from deploy.embedded.httpd.status import content_type, http_status

__all__ = ["create_application"]

_OK = "Ok.\n"


def create_application(engine: Engine, workers: ThreadPoolExecutor, password: SecretStr) -> web.Application:
    """ClickHouse's HTTP interface over ``engine``; statements run on ``workers``, so that /ping always answers."""
    handler = _Handler(engine, workers, password)
    application = web.Application()
    application.router.add_get("/ping", _ping)
    application.router.add_get("/replicas_status", _ping)
    application.router.add_route("*", "/", handler.query)
    application.router.add_route("*", "/query", handler.query)
    application.router.add_route("*", "/{path:.*}", _no_handler)
    return application


async def _ping(_: web.Request) -> web.Response:
    return web.Response(text=_OK)


async def _no_handler(request: web.Request) -> web.Response:
    return web.Response(status=404, text=f"There is no handle {request.path}\n\nUse / or /ping for health checks.\n")


class _Handler:
    def __init__(self, engine: Engine, workers: ThreadPoolExecutor, password: SecretStr) -> None:
        self._engine = engine
        self._workers = workers
        self._password = password

    async def query(self, request: web.Request) -> web.Response:
        """Answer one query, or say why not."""
        headers = {
            "X-ClickHouse-Server-Display-Name": platform.node() or "embedded",
            "X-ClickHouse-Query-Id": request.query.get("query_id") or str(uuid4()),
        }
        try:
            authenticate(request, self._password)
            async with read_job(request) as job:
                if job.read_only and not job.query.strip() and not request.can_read_body:
                    return web.Response(text=_OK)  # GET / is a health check
                encoding = self._encoding(request)
                loop = asyncio.get_running_loop()
                answer, output, body = await loop.run_in_executor(self._workers, self._run, job, encoding)
        except ClickHouseError as error:
            return self._refusal(error, headers)
        headers |= {
            "Content-Type": content_type(output),
            "X-ClickHouse-Format": output,
            "X-ClickHouse-Timezone": self._engine.time_zone,
            "X-ClickHouse-Summary": _summary(answer),
        }
        if encoding:
            headers["Content-Encoding"] = encoding
        return web.Response(body=body, headers=headers)

    def _encoding(self, request: web.Request) -> str:
        wanted = request.query.get("enable_http_compression") in ("1", "true")
        return negotiate(request.headers.get("Accept-Encoding", "")) if wanted else ""

    def _run(self, job: Job, encoding: str) -> tuple[Answer, str, bytes]:
        answer, output = self._engine.run(job)
        return answer, output, compress(answer.body, encoding)

    def _refusal(self, error: ClickHouseError, headers: dict[str, str]) -> web.Response:
        text = str(error)
        if "(version " not in text:
            text += f" (version {self._engine.version})"
        headers["X-ClickHouse-Exception-Code"] = str(int(error.code))
        if error.code == Code.REQUIRED_PASSWORD:
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        return web.Response(status=http_status(error.code), text=text + "\n", headers=headers)


def _summary(answer: Answer) -> str:
    counts = {
        "read_rows": answer.read_rows,
        "read_bytes": answer.read_bytes,
        "written_rows": answer.written_rows,
        "written_bytes": answer.written_bytes,
        "total_rows_to_read": answer.read_rows,
        "result_rows": answer.result_rows,
        "result_bytes": len(answer.body),
        "elapsed_ns": answer.elapsed,
    }
    return json.dumps({name: str(count) for name, count in counts.items()})
