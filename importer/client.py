"""The httpx edge: one request, one reply; nothing else knows httpx."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

import httpx

from importer import __version__
from importer.protocol import Answer, Lost, NeverLeft, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_PATIENCE: Final = 10.0  # seconds; a host that does not even take a connection is not worth more
KEEP_IDLE: Final = 4.0  # seconds; less than servers keep an idle connection (5 and more), so that none dies as we write

NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Client:
    """Speaks to one API with one key.

    Each request in flight has an `httpx.AsyncClient` of its own: one client's pool slows down with the square of what
    is in flight, and at 64 it is eight times slower than clients of one connection each. The one used last is used
    next, so that connections stay warm and few.
    """

    def __init__(self, base_url: str, api_key: str, *, timeout: float) -> None:
        self._base_url = base_url
        self._timeout = timeout  # seconds, for the whole of a request
        self._headers = {
            "XApiKey": api_key,
            "Accept": "application/json",
            "User-Agent": f"invoice-importer/{__version__}",
        }
        self._tls = httpx.create_ssl_context()  # honours SSL_CERT_FILE and SSL_CERT_DIR
        self._idle: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            await self._idle.pop().aclose()

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply:
        """Ask; *path* is encoded already."""
        return await self._request("GET", path, params=params)

    async def post(self, path: str, body: bytes, key: str) -> Reply:
        """Send exactly *body*, under an `Idempotency-Key`."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return await self._request("POST", path, body=body, headers=headers)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        http = self._idle.pop() if self._idle else self._connect()
        try:
            async with asyncio.timeout(self._timeout):
                response = await http.request(method, path, params=params, content=body, headers=headers)
            reply: Reply = Answer(
                response.status_code,
                {name.lower(): value for name, value in response.headers.items()},
                response.content,
            )
        except NEVER_LEFT as error:
            reply = NeverLeft(_reason(error))
        except TimeoutError:
            reply = Lost(f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            reply = Lost(_reason(error))
        except BaseException:
            await http.aclose()
            raise
        self._idle.append(http)
        return reply

    def _connect(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._base_url,
            headers=self._headers,
            verify=self._tls,
            timeout=httpx.Timeout(self._timeout, connect=min(CONNECT_PATIENCE, self._timeout)),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=KEEP_IDLE),
            follow_redirects=False,
        )


def _reason(error: Exception) -> str:
    return f"{error} ({type(error).__name__})" if str(error) else type(error).__name__
