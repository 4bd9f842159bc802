"""One request, one reply, over aiohttp; nothing else knows it. Whoever asks nobody never loads it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from importer.protocol import Answer, Lost, NeverLeft

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from importer.protocol import Reply

CONNECT_PATIENCE: Final = 10.0  # seconds; a host that does not even take a connection is not worth more
KEEP_IDLE: Final = 4.0  # seconds; less than servers keep an idle connection (5 and more), so that none dies as we write
LONGEST_FIELD: Final = 32_768  # bytes of a header, of which an answer has 128 at most; gateways send long ones

# What stands in the way before there is a connection, be it to a proxy, or through it.
NEVER_LEFT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
# ValueError: a header that cannot be sent, such as a token with a line break.
LOST: Final = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)

REMEDIES: Final = {  # OpenSSL's code → what to do about it
    10: "set this machine's clock if it is wrong, else only the server's owner can renew it",
    62: "put the right address into IMPORTER_API_URL",
    64: "put the right address into IMPORTER_API_URL",
}
UNTRUSTED: Final = "if your company's network issues it, set SSL_CERT_FILE to a file with its authority's certificate"


class _Dropped(aiohttp.ClientError):
    """A connection ended before there was an answer."""


class Wire:
    """Connections to one server, as many as there are requests in flight; made and closed inside an event loop.

    Args:
        base_url: What paths are appended to.
        headers: Sent with each request.
        timeout: Seconds for the whole of a request.
        tls: Whom to trust.
        proxy: Its URL, with name and password where it wants them; None where there is none.
        proxy_shown: It, as people may see it.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        timeout: float,
        tls: ssl.SSLContext,
        proxy: str | None,
        proxy_shown: str,
    ) -> None:
        self._base = str(URL(base_url)).rstrip("/")
        self._timeout = timeout
        self._proxy_shown = proxy_shown
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=KEEP_IDLE),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            # The whole of a request is timed below: aiohttp rounds up what is longer than five seconds.
            timeout=aiohttp.ClientTimeout(connect=min(CONNECT_PATIENCE, timeout)),
            proxy=proxy,
            middlewares=(_once,),
            max_line_size=LONGEST_FIELD,
            max_field_size=LONGEST_FIELD,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def request(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Send exactly *body*, if any, once; *target* is a path with its query, encoded already."""
        url = URL(self._base + target, encoded=True)
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._session.request(method, url, headers=headers, data=body, allow_redirects=False) as response,
            ):
                return Answer(response.status, _headers_of(response), await response.read())
        except NEVER_LEFT as error:
            return NeverLeft(self._why_not(error))
        except TimeoutError:
            return Lost(f"no answer within {self._timeout:g} s")
        except LOST as error:
            return Lost(_reason(error))

    def _why_not(self, error: Exception) -> str:
        """Say why a request did not leave, and what to do about it where that is known."""
        match error:
            case aiohttp.ClientConnectorCertificateError():
                fault: Any = error.certificate_error
                remedy = REMEDIES.get(fault.verify_code, UNTRUSTED)
                return f"the server's certificate is not accepted ({fault.verify_message.rstrip('.')}); {remedy}"
            case aiohttp.ClientHttpProxyError(status=HTTPStatus.PROXY_AUTHENTICATION_REQUIRED):
                form = "HTTPS_PROXY=http://name:password@host:port"
                return f"the proxy {self._proxy_shown} wants a name and the right password; set {form}"
            case aiohttp.ClientHttpProxyError():
                return f"the proxy {self._proxy_shown} answered {error.status} {error.message}"
            case aiohttp.ClientConnectorError():
                reason = _reason(error.os_error)
            case _:
                reason = f"no connection within {min(CONNECT_PATIENCE, self._timeout):g} s"
        return f"{reason}, through the proxy {self._proxy_shown}" if self._proxy_shown else reason


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Hide a lost connection from aiohttp, which would send GET, PUT and DELETE again: each request counts."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped(_reason(error)) from error


def _headers_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Give what was sent, under names in lower case; of a repeated header all values."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.raw_headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _reason(error: Exception) -> str:
    if isinstance(error, _Dropped):
        return str(error)
    return f"{error} ({type(error).__name__})" if str(error) else type(error).__name__
