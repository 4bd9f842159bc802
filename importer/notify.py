"""Sends notices by apprise; what becomes of one is a sentence, never an exception, and quotes no address."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from importer.errors import SettingsError
from importer.settings import KEYRING_SERVICE, LOOPBACK, Settings, find_secret, load_notify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from importer.notice import Notice

VARIABLE: Final = "IMPORTER_NOTICE_URL"
IN_KEYRING: Final = "notice"
PATIENCE: Final = 10.0  # seconds for all services together
TICK: Final = 0.1  # seconds after which a Ctrl-C is noticed on systems where waiting cannot be interrupted

ABSENT: Final = (
    f"no address is set. Set {VARIABLE}, or {VARIABLE}_FILE to a file that holds it, or run "
    f"`keyring set {KEYRING_SERVICE} {IN_KEYRING}`."
)

# The lines of the library's log that tell why; what comes before "Caused by" quotes the address.
TELLING: Final = re.compile(
    r"Socket Exception:(?:.*Caused by)?(.*)|SMTP recipient .* refused:(.*)|(error=\d+)", re.DOTALL
)
# What is found in these lines → what may be said of it; the first holds.
REASONS: Final = (
    (r"certificate.verify.failed", "the certificate of its server cannot be verified"),
    (r"\bssl\b|starttls|\btls\b", "no encrypted connection to its server can be made"),
    (r"refused\b.*\b(?:111|61|10061)\b|\b(?:111|61|10061)\b.*refused", "nothing answers at its address"),
    (r"getaddrinfo|name or service not known|nodename nor servname|resolution", "its address names no host"),
    (r"\(535, |\(53[0-9], |error=40[13]\b", "it does not accept the name, password or token in its address"),
    (r"\(([45]\d\d), |^ ?([45]\d\d) |error=([345]\d\d)\b", "its server refuses it with {}"),
    (r"timed out|timeout", "its server does not answer"),
)


@dataclass(frozen=True, slots=True)
class Service:
    """One address that notices go to.

    Attributes:
        name: What the service is called: `E-Mail`; nothing of the address.
        plugin: What sends.
    """

    name: str
    plugin: Any


def find_wanted(workspace: Path, *, checking: bool, well: bool) -> list[str]:
    """Find the addresses that are to hear of an end: of a check or a run, that went well or did not.

    The keyring, which takes a moment, is asked only where `notify` is set.

    Raises:
        SettingsError: `notify` wants notices and nothing says where they go; or the file that is named cannot be read.
    """
    try:
        settings = load_notify(workspace)
    except SettingsError:  # it is told of already, as what keeps the command from beginning
        settings = Settings(workspace)
    unwanted = {"never": True, "problems": well}.get(settings.notify or "", False)
    if unwanted or (checking and not settings.notify_check):
        return []
    if not settings.notify and not is_in_environment():
        return []
    addresses = find_addresses()
    if not addresses:
        raise SettingsError(f"`notify` is {settings.notify}, and {ABSENT}")
    return addresses


def is_in_environment() -> bool:
    """Tell whether the environment holds an address, or names a file that does."""
    return any(os.environ.get(name) for name in (VARIABLE, f"{VARIABLE}_FILE"))


def find_addresses() -> list[str]:
    """Find the addresses of services, which are secrets: parted by spaces or line breaks.

    Raises:
        SettingsError: The file that is named cannot be read.
    """
    return find_secret(VARIABLE, IN_KEYRING).split()


def open_services(addresses: Sequence[str]) -> list[Service]:
    """Make a service of each address.

    Raises:
        SettingsError: The library is not installed, or an address is none, or would not be safe; quotes none.
    """
    try:
        import apprise  # noqa: PLC0415 - a third of a second, and an extra: most runs send no notice
    except ModuleNotFoundError:
        raise SettingsError(
            "Notices need a library that is not installed: `pip install 'invoice-importer[notices]'`."
        ) from None
    asset = apprise.AppriseAsset(
        app_id="Invoice importer", app_desc="Bulk invoice importer", app_url="", http_redirects=False
    )
    _quiet()
    return [
        _open_service(apprise, asset, address, f"number {number} of {len(addresses)}" if len(addresses) > 1 else "")
        for number, address in enumerate(addresses, start=1)
    ]


def _open_service(apprise: Any, asset: Any, address: str, which: str) -> Service:
    try:
        plugin = apprise.Apprise.instantiate(address, asset=asset) or (
            apprise.Apprise.instantiate(_as_webhook(address), asset=asset)
        )
    except (TypeError, ValueError):
        plugin = None
    named = f"The address of notices{which and f', {which},'}"
    if plugin is None:
        raise SettingsError(
            f"{named} is of no service that is known, or lacks a part. Mail is "
            "mailtos://USER:PASSWORD@HOST?from=ADDRESS&to=ADDRESS, a webhook is https://HOST/PATH; docs/notices.md has "
            "more."
        )
    if not plugin.verify_certificate:
        raise SettingsError(
            f"{named} says verify=no, so that anybody could take its server's place. Leave that out; SSL_CERT_FILE "
            "names a file with certificates of your own."
        )
    # Its HTTP library looks elsewhere for authorities than Python and the rest of this program do.
    plugin.verify_certificate = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR") or True
    by_mail = plugin.protocol == "mailto"
    if _is_bare(plugin, by_mail=by_mail):
        safe = plugin.secure_protocol if isinstance(plugin.secure_protocol, str) else plugin.secure_protocol[0]
        mode = " and leave mode=insecure out" if by_mail else ""
        raise SettingsError(f"{named} would be used unencrypted; begin it with {safe}://{mode}.")
    if by_mail and "format=" not in address:
        plugin.notify_format = apprise.NotifyFormat.TEXT  # HTML would run the columns of figures together
    return Service(str(plugin.service_name), plugin)


def _is_bare(plugin: Any, *, by_mail: bool) -> bool:
    """Tell whether what is sent could be read on its way, as a choice; a mail relay that wants no password may."""
    encrypted = plugin.secure and getattr(plugin, "secure_mode", "") != "insecure"
    chooses = bool(plugin.protocol and plugin.secure_protocol)
    secret = bool(plugin.password) or not by_mail
    return chooses and secret and not encrypted and (getattr(plugin, "smtp_host", "") or plugin.host) not in LOOPBACK


def _as_webhook(address: str) -> str:
    """Write the address of a webhook as the library does, which takes parameters for its own unless they are marked."""
    parts = urlsplit(address)
    scheme = {"https": "jsons", "http": "json"}.get(parts.scheme, "")
    query = "&".join(f"-{quote(name)}={quote(value)}" for name, value in parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit((scheme, parts.netloc, parts.path, query, ""))


def send(services: Sequence[Service], notice: Notice, patience: float = PATIENCE) -> list[str]:
    """Send *notice* to all *services* at once; returns a sentence for each that did not confirm it in time."""
    until = time.monotonic() + patience
    said: dict[int, str] = {}
    # They end with the process: what hangs keeps nobody waiting.
    threads = [
        threading.Thread(target=_send, args=(service, notice, said, number), daemon=True)
        for number, service in enumerate(services)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and time.monotonic() < until:
        next(thread for thread in threads if thread.is_alive()).join(TICK)
    late = f"its server did not confirm it within {patience:g} s"
    reasons = {number: said.get(number, late) for number in range(len(services))}
    return [
        f"The notice by {services[number].name} was not sent: {reason}." for number, reason in reasons.items() if reason
    ]


def _send(service: Service, notice: Notice, said: dict[int, str], number: int) -> None:
    log = _Log()
    logger = logging.getLogger("apprise")
    logger.addHandler(log)
    try:
        sent = service.plugin.notify(
            title=notice.subject, body=notice.text, notify_type=_kind(notice), body_format=_text()
        )
        said[number] = "" if sent else _explain(log.lines)
    except Exception as error:  # noqa: BLE001 - whatever a library raises, the run is not about it
        said[number] = _explain([f"Socket Exception: {type(error).__name__} {error}"])
    finally:
        logger.removeHandler(log)


def _kind(notice: Notice) -> Any:
    from apprise import NotifyType  # noqa: PLC0415 - it is loaded already

    return {0: NotifyType.SUCCESS, 1: NotifyType.WARNING}.get(notice.exit_code, NotifyType.FAILURE)


def _text() -> Any:
    from apprise import NotifyFormat  # noqa: PLC0415 - it is loaded already

    return NotifyFormat.TEXT


class _Log(logging.Handler):
    """Keeps what the library notes in the thread that made this, for `_explain` alone."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        if record.thread == self._thread:
            self.lines.append(record.getMessage())


def _quiet() -> None:
    """Keep what the libraries log, which quotes addresses, from every other handler."""
    for name in ("apprise", "requests", "urllib3"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.DEBUG if name == "apprise" else logging.CRITICAL)


def _explain(lines: Sequence[str]) -> str:
    """Say why a notice was not sent, in words that quote nothing but a code of three digits."""
    told = ["".join(filter(None, found.groups())) for line in lines if (found := TELLING.search(line))]
    for pattern, reason in REASONS:
        for line in reversed(told):
            if found := re.search(pattern, line, re.IGNORECASE):
                return reason.format(next((code for code in found.groups() if code), ""))
    return "its service refuses it"
