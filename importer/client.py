"""The HTTP edge: whom to speak to, with what key, whom to trust, and through which proxy."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Final, Literal, Self
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from importer import __version__
from importer.errors import SettingsError
from importer.settings import environment_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.protocol import Reply
    from importer.wire import Wire

    Query = Mapping[str, str | int | Sequence[str]]  # a sequence repeats its name

Header = Literal["XApiKey", "X-Api-Key", "Authorization"]  # what carries the key; the last one a bearer token

PROXIES: Final = ("http", "https")  # the kinds that can be gone through


class Client:
    """Speaks to one API with one key, or one bearer token, while it is open.

    Raises:
        SettingsError: The environment names a proxy or authorities that cannot be used.
    """

    def __init__(self, base_url: str, credential: str, *, header: Header = "XApiKey", timeout: float) -> None:
        self._base_url = base_url
        self._timeout = timeout  # seconds, for the whole of a request
        self._header = header
        self.use(credential)
        # Nothing goes through a proxy to a sandbox, which none can reach.
        self._proxy = None if environment_of(base_url) == "loopback" else _proxy_for(base_url)
        self._tls = _make_tls(base_url)

    async def __aenter__(self) -> Self:
        from importer.wire import Wire  # noqa: PLC0415 - a fifth of a second, for those alone who ask something

        self._wire: Wire = Wire(
            self._base_url,
            {
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": f"invoice-importer/{__version__}",
            },
            timeout=self._timeout,
            tls=self._tls,
            proxy=self._proxy,
            proxy_shown=(self._proxy or "").rpartition("//")[2].rpartition("@")[2].strip("/"),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._wire.close()

    def use(self, credential: str) -> None:
        """Show *credential* from the next request on."""
        self._credential = f"Bearer {credential}" if self._header == "Authorization" else credential

    async def get(self, path: str, params: Query | None = None) -> Reply:
        """Ask; *path* is encoded already."""
        return await self.send("GET", f"{path}?{urlencode(params, doseq=True)}" if params else path)

    async def post(self, path: str, body: bytes, key: str | None = None) -> Reply:
        """Send exactly *body*, under an `Idempotency-Key` where there is one."""
        return await self.send("POST", path, body, key)

    async def send(self, method: str, path: str, body: bytes | None = None, key: str | None = None) -> Reply:
        """Send *body*, if any, by *method*."""
        headers: dict[str, str] = {self._header: self._credential}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self._wire.request(method, path, headers, body)


def _make_tls(base_url: str) -> ssl.SSLContext:
    """Trust whom SSL_CERT_FILE or SSL_CERT_DIR name, else the usual authorities; nobody where nothing is encrypted."""
    os.environ.pop("SSLKEYLOGFILE", None)  # a context opens that file as it is made, and gives away all that is sent
    if urlsplit(base_url).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the authorities take longer to read than ten rows to send
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if not file and folder:
            tls = ssl.create_default_context(capath=folder)
        else:
            tls = ssl.create_default_context(cafile=file or certifi.where())
    except OSError:
        name = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        raise SettingsError(
            f"The certificates that {name} names ({file or folder}) cannot be read: mend or unset that variable."
        ) from None
    tls.set_alpn_protocols(["http/1.1"])
    return tls


def _proxy_for(url: str) -> str | None:
    """Give the URL of the proxy that requests to *url* go through; None where there is none.

    Raises:
        SettingsError: The environment names one that cannot be gone through.
    """
    proxies = getproxies()
    named = proxies.get(urlsplit(url).scheme) or proxies.get("all")
    if not named or proxy_bypass(urlsplit(url).hostname or ""):
        return None
    named = named if "://" in named else f"http://{named}"
    try:
        parts = urlsplit(named)
        usable = parts.scheme in PROXIES and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            "HTTPS_PROXY or ALL_PROXY does not name a proxy of the form http://host:port; mend or unset it."
        )
    return named
