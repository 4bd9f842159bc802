"""Workspace, `importer.toml`, environment, secrets: option beats environment beats file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from importer.errors import SettingsError
from importer.mappings import read_toml
from importer.throttle import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NAMES: Final = (
    "api_url",
    "referral_url",
    "target",
    "rate",
    "concurrency",
    "timeout",
    "settle_after",
    "keep_going",
    "details_rate",
    "details_parameter",
    "journal",
    "timezone",
    "reference_path",
    "notify",
    "notify_check",
)
REFERRAL_URLS: Final = {  # host of the Customer API → where its tokens come from
    "customer-api.debitura.com": "https://referral-api.debitura.com",
    "testcustomer-api.debitura.com": "https://testreferral-api.debitura.com",
}
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
KEYRING_SERVICE: Final = "invoice-importer"
NOTIFY: Final = ("always", "problems", "never")


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for a whole command; no secret among it.

    Attributes:
        workspace: The folder with everything that a user must keep.
        target: The API operation that rows are sent to.
        api_url: Base URL; None for the target's production URL.
        referral_url: Base URL of the API that gives tokens for a partner's clients; None for the one that belongs to
            the API's.
        rate: The most requests in each window.
        concurrency: The most requests in flight.
        timeout: Seconds for one request.
        settle_after: Seconds after a lost answer before a 404 is believed.
        keep_going: Go on with a country and currency whose cases the API refuses for want of a partner or a contract.
        details_rate: The most requests of `details` in each window; its API publishes no limits.
        details_parameter: What that API calls the id in its query; it publishes no name.
        journal: A path or a `postgresql://` URL.
        timezone: The creditor's: it decides which day is today.
        reference_path: The operation that changes a case's partner reference, as `PATCH /cases/{id}`; blank for none:
            no document of the API names one.
        notify: Which endings of runs are told by a notice: `always`, `problems` or `never`; None where nothing says it.
        notify_check: Whether checks are told of, too.
    """

    workspace: Path
    target: str = "customer"
    api_url: str | None = None
    referral_url: str | None = None
    rate: Rate = field(default_factory=Rate)
    concurrency: int = 64
    timeout: float = 30.0
    settle_after: float = 60.0
    keep_going: bool = False
    details_rate: Rate = field(default_factory=lambda: Rate(minute=300))
    details_parameter: str = "caseId"
    journal: str | Path = ""
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    reference_path: str = ""
    notify: str | None = None
    notify_check: bool = False

    @property
    def reports(self) -> Path:
        """The folder of reports, one folder a run."""
        return self.workspace / "reports"

    @property
    def webhooks(self) -> Path:
        """The folder of the secrets of webhooks that this workspace subscribed to, one file each."""
        return self.workspace / "webhooks"

    @property
    def locks(self) -> Path:
        """The folder of the locks of a journal that is a file: beside it, so that all who share it share them."""
        return (self.journal.resolve().parent if isinstance(self.journal, Path) else self.workspace) / "locks"


def load(workspace: Path, options: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Settings:
    """Gather the settings of a command.

    Args:
        workspace: May not exist yet.
        options: Those given on the command line, by setting; None for those that were not.
        environment: `IMPORTER_…` variables; the process's own by default.

    Raises:
        SettingsError: A value cannot be read; names the setting and where it comes from.
    """
    environment = os.environ if environment is None else environment
    file = workspace / "importer.toml"
    written = read_toml(file) if file.exists() else {}
    strange = sorted(set(written) - set(NAMES))
    if strange:
        raise SettingsError(f"{file} has unknown settings: {', '.join(strange)}. There are: {', '.join(NAMES)}.")
    given = _gather(NAMES, options, environment, written, file)
    given.setdefault("journal", workspace / "journal.db")
    return Settings(workspace, **given)


def load_notify(workspace: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Gather what is said about notices alone, so that a setting that cannot be read is told by one, too.

    Raises:
        SettingsError: Nothing can be read of that either.
    """
    file = workspace / "importer.toml"
    environment = os.environ if environment is None else environment
    written = read_toml(file) if file.exists() else {}
    return Settings(workspace, **_gather(("notify", "notify_check"), {}, environment, written, file))


def _gather(
    names: Iterable[str],
    options: Mapping[str, object],
    environment: Mapping[str, str],
    written: Mapping[str, object],
    file: Path,
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name in names:
        variable = f"IMPORTER_{name.upper()}"
        for value, origin in (
            (options.get(name), f"--{name.removeprefix('details_').replace('_', '-')}"),
            (environment.get(variable) or None, variable),
            (written.get(name), f"{name} in {file}"),
        ):
            if value is not None:
                given[name] = _read_value(name, value, origin)
                break
    return given


def _read_value(name: str, value: object, origin: str) -> object:
    readers: dict[str, Callable[[str], object]] = {
        "api_url": _url,
        "referral_url": _url,
        "target": _target,
        "rate": Rate.parse,
        "concurrency": lambda text: _positive(int(text)),
        "timeout": lambda text: _positive(float(text)),
        "settle_after": lambda text: _positive(float(text)),
        "keep_going": _flag,
        "details_rate": Rate.parse,
        "details_parameter": _parameter,
        "journal": lambda text: text if "://" in text else Path(text),
        "timezone": ZoneInfo,
        "reference_path": read_operation,
        "notify": _notify,
        "notify_check": _flag,
    }
    try:
        return readers[name](str(value))
    except SettingsError as error:
        raise SettingsError(f"{origin}: {error}") from None
    except (ValueError, OSError, KeyError):
        raise SettingsError(
            f"{origin} is {value!r}, which is no {name.replace('_', ' ')}. Correct it, or leave it out."
        ) from None


def _positive(number: float) -> float:
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def _flag(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


def _notify(text: str) -> str:
    if text not in NOTIFY:
        raise SettingsError(f"{text!r} is none of {', '.join(NOTIFY)}; choose one of these.")
    return text


def _parameter(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", text):
        raise ValueError
    return text


def _target(text: str) -> str:
    from schemas import TARGETS  # noqa: PLC0415 - only where it is asked for

    if text not in TARGETS:
        raise SettingsError(f"There is no target {text!r}; there are: {', '.join(TARGETS)}.")
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.username or parts.password:
        raise SettingsError("The address of the API has a name or a password in it; only the API key is sent.")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"{text!r} is not the address of an API; it begins with https://.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingsError(f"{text} would send debtors' data unencrypted; use https://.")
    return text.rstrip("/")


def read_operation(text: str) -> str:
    """Return *text*, an operation on one case such as `PATCH /cases/{id}`.

    Raises:
        SettingsError: It is none.
    """
    if not re.fullmatch(r"(PATCH|PUT|POST) /[!-~]*\{id\}[!-~]*", text) or text.count("{") != 1:
        raise SettingsError(f"{text!r} is not of the form PATCH /cases/{{id}}.")
    return text


def environment_of(api_url: str) -> str:
    """Name the world that cases live in: a host, or `loopback` for a sandbox, whatever its port."""
    host = urlsplit(api_url).hostname or ""
    return "loopback" if host in LOOPBACK else host


def referral_url_of(api_url: str, settings: Settings) -> str:
    """Say where the tokens for *api_url* come from; a sandbox has both APIs on one server.

    Source: https://docs.debitura.com/referral-partners/going-live-checklist

    Raises:
        SettingsError: Nothing says it.
    """
    if settings.referral_url:
        return settings.referral_url
    if environment_of(api_url) == "loopback":
        return f"{api_url}/referral"
    known = REFERRAL_URLS.get(environment_of(api_url))
    if known is None:
        raise SettingsError(
            f"Where do the tokens for {api_url} come from? Set IMPORTER_REFERRAL_URL, as IMPORTER_API_URL is set."
        )
    return known


def api_key(api_url: str, environment: Mapping[str, str] | None = None) -> str:
    """Find the API key: in `IMPORTER_API_KEY`, in the file `IMPORTER_API_KEY_FILE`, or in the system's keyring.

    Raises:
        SettingsError: There is none, or it cannot be one; the key itself is never part of a message.
    """
    key = find_secret("IMPORTER_API_KEY", environment_of(api_url), environment)
    if not key:
        raise SettingsError(
            "There is no API key. Set IMPORTER_API_KEY, or IMPORTER_API_KEY_FILE to a file that holds it, or run "
            f"`keyring set {KEYRING_SERVICE} {environment_of(api_url)}`."
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError("The API key has spaces or signs that no key has; copy it again.")
    return key


def find_secret(variable: str, entry: str, environment: Mapping[str, str] | None = None) -> str:
    """Find a secret: in *variable*, in the file that *variable*`_FILE` names, or in the keyring's *entry*; else blank.

    Raises:
        SettingsError: The file cannot be read.
    """
    environment = os.environ if environment is None else environment
    secret = environment.get(variable, "")
    file = environment.get(f"{variable}_FILE", "")
    if not secret and file:
        try:
            secret = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise SettingsError(
                f"The file {file} named by {variable}_FILE cannot be read: {reason}. Mend or unset that variable."
            ) from None
    return (secret or from_keyring(entry)).strip()


def exposed_key_file(environment: Mapping[str, str] | None = None, *, variable: str = "IMPORTER_API_KEY") -> str | None:
    """Name the file of *variable* and `_FILE` if it is used and others than its owner can read it."""
    environment = os.environ if environment is None else environment
    file = environment.get(f"{variable}_FILE", "")
    if not file or environment.get(variable) or os.name == "nt":
        return None
    try:
        return file if Path(file).stat().st_mode & 0o077 else None
    except OSError:
        return None


def from_keyring(name: str) -> str:
    """Return what the system's keyring holds for this program under *name*; blank where there is nothing."""
    import keyring  # noqa: PLC0415 - a third of a second, and most users have the variable
    import keyring.errors  # noqa: PLC0415

    try:
        return keyring.get_password(KEYRING_SERVICE, name) or ""
    except keyring.errors.KeyringError:
        return ""
