"""The httpx edge: one request, one reply; nothing else knows httpx."""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import TYPE_CHECKING, Final, Literal, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from importer import __version__
from importer.errors import SettingsError
from importer.protocol import Answer, Lost, NeverLeft, Reply
from importer.settings import environment_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Query = Mapping[str, str | int | Sequence[str]]  # a sequence repeats its name

Header = Literal["XApiKey", "X-Api-Key", "Authorization"]  # what carries the key; the last one a bearer token

CONNECT_PATIENCE: Final = 10.0  # seconds; a host that does not even take a connection is not worth more
KEEP_IDLE: Final = 4.0  # seconds; less than servers keep an idle connection (5 and more), so that none dies as we write

NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

REMEDIES: Final = {  # OpenSSL's code → what to do about it
    10: "set this machine's clock if it is wrong, else only the server's owner can renew it",
    62: "put the right address into IMPORTER_API_URL",
    64: "put the right address into IMPORTER_API_URL",
}
UNTRUSTED: Final = "if your company's network issues it, set SSL_CERT_FILE to a file with its authority's certificate"


class Client:
    """Speaks to one API with one key, or one bearer token.

    Each request in flight has an `httpx.AsyncClient` of its own: one client's pool slows down with the square of what
    is in flight, and at 64 it is eight times slower than clients of one connection each. The one used last is used
    next, so that connections stay warm and few.
    """

    def __init__(self, base_url: str, credential: str, *, header: Header = "XApiKey", timeout: float) -> None:
        self._base_url = base_url
        self._timeout = timeout  # seconds, for the whole of a request
        self._header = header
        self.use(credential)
        self._headers = {
            "Accept": "application/json",
            "User-Agent": f"invoice-importer/{__version__}",
        }
        self._own = environment_of(base_url) == "loopback"  # a sandbox, which no proxy can reach
        self._proxy = "" if self._own else _proxy_for(base_url)
        self._tls = _make_tls(base_url)
        try:
            self._idle = [self._connect()]
        except (ValueError, ImportError, httpx.InvalidURL):
            raise SettingsError(
                "HTTPS_PROXY or ALL_PROXY does not name a proxy of the form http://host:port; mend or unset it."
            ) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            await self._idle.pop().aclose()

    def use(self, credential: str) -> None:
        """Show *credential* from the next request on."""
        self._credential = f"Bearer {credential}" if self._header == "Authorization" else credential

    async def get(self, path: str, params: Query | None = None) -> Reply:
        """Ask; *path* is encoded already."""
        return await self._request("GET", path, params=params)

    async def post(self, path: str, body: bytes, key: str | None = None) -> Reply:
        """Send exactly *body*, under an `Idempotency-Key` where there is one."""
        return await self.send("POST", path, body, key)

    async def send(self, method: str, path: str, body: bytes | None = None, key: str | None = None) -> Reply:
        """Send *body*, if any, by *method*."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self._request(method, path, body=body, headers=headers)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        http = self._idle.pop() if self._idle else self._connect()
        try:
            async with asyncio.timeout(self._timeout):
                shown = {self._header: self._credential, **(headers or {})}
                response = await http.request(method, path, params=params, content=body, headers=shown)
            reply: Reply = Answer(
                response.status_code,
                {name.lower(): value for name, value in response.headers.items()},
                response.content,
            )
        except NEVER_LEFT as error:
            reply = NeverLeft(self._why_not(error))
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
            trust_env=not self._own,
        )

    def _why_not(self, error: Exception) -> str:
        """Say why a request did not leave, and what to do about it where that is known."""
        fault = _certificate_fault(error)
        if fault:
            remedy = REMEDIES.get(fault.verify_code, UNTRUSTED)
            return f"the server's certificate is not accepted ({fault.verify_message.rstrip('.')}); {remedy}"
        if isinstance(error, httpx.ProxyError) and "407" in str(error):
            form = "HTTPS_PROXY=http://name:password@host:port"
            return f"the proxy {self._proxy} wants a name and the right password; set {form}"
        return f"{_reason(error)}, through the proxy {self._proxy}" if self._proxy else _reason(error)


def _make_tls(base_url: str) -> ssl.SSLContext:
    """Trust whom SSL_CERT_FILE or SSL_CERT_DIR name, else the usual authorities; nobody where nothing is encrypted."""
    os.environ.pop("SSLKEYLOGFILE", None)  # a context opens that file as it is made, and gives away all that is sent
    if urlsplit(base_url).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the authorities take longer to read than ten rows to send
    try:
        return httpx.create_ssl_context()
    except OSError:
        name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        raise SettingsError(
            f"The certificates that {name} names ({os.environ.get(name)}) cannot be read: mend or unset that variable."
        ) from None


def _certificate_fault(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def _proxy_for(url: str) -> str:
    """Name the proxy that requests to *url* go through, without its password; blank where there is none."""
    host, proxies = urlsplit(url).hostname or "", getproxies()
    named = proxies.get(urlsplit(url).scheme) or proxies.get("all") or ""
    if not named or proxy_bypass(host):
        return ""
    return (named if "://" in named else f"//{named}").rpartition("//")[2].rpartition("@")[2].strip("/")


def _reason(error: Exception) -> str:
    return f"{error} ({type(error).__name__})" if str(error) else type(error).__name__
