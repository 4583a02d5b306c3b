"""A plain HTTP client, so that tests see status, headers and body as curl would."""

import http.client
from dataclasses import dataclass
from urllib.parse import urlencode

from deploy.embedded.clickhouse import EmbeddedClickHouse

__all__ = ["Answer", "Web"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> int:
        """ClickHouse's error code, 0 for none."""
        return int(self.headers.get("X-ClickHouse-Exception-Code", 0))


@dataclass(frozen=True)
class Web:
    """Requests to one server, in one database unless a test says otherwise."""

    server: EmbeddedClickHouse
    database: str

    def get(self, query: str, **parameters: str) -> Answer:
        return self.send("GET", "/?" + urlencode({"database": self.database, "query": query} | parameters))

    def post(self, body: bytes | str, headers: dict[str, str] | None = None, **parameters: str) -> Answer:
        path = "/?" + urlencode({"database": self.database} | parameters)
        return self.send("POST", path, body.encode() if isinstance(body, str) else body, headers)

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def run(self, sql: str, **parameters: str) -> str:
        """The result of a statement that must succeed, as text."""
        answer = self.post(sql, None, **parameters)
        assert answer.status == 200, answer.body
        return answer.body.decode()
