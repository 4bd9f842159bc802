"""Says whether settings, key, journal, webhooks, mappings, notices, clock and API are in order, or what to do."""

from __future__ import annotations

import platform
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import schemas
from importer import notify
from importer.errors import ImporterError, NoJournalError, Stopped
from importer.journal import Journal
from importer.listen.secrets import Secrets
from importer.mappings import read_mapping, saved
from importer.notice import tell_test
from importer.pipeline.account import identify, sending_account
from importer.pipeline.details import validate
from importer.pipeline.parties import name_clients, sending_parties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importer.pipeline.account import Account, Api
    from importer.settings import Settings

CLOCK_TOLERANCE: Final = 60.0  # seconds; `today` and the windows do not depend on less
PATIENCE: Final = 65.0  # seconds; a spent minute is waited for, a spent hour is not


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        ok: Whether it is in order.
        text: What was found, and the remedy where it is not in order.
        exit_code: Of the whole command, where it is not.
    """

    what: str
    ok: bool
    text: str
    exit_code: int = 0


def examine(
    settings: Settings, find_api: Api | ImporterError, client: str | None = None, *, noticing: bool = False
) -> Iterator[Finding]:
    """Look at one thing after the other, as far as each allows the next.

    Args:
        settings: Of the command.
        find_api: The API, or why there is none.
        client: For a partner's key: whose link to look at, too.
        noticing: Whether to send a notice for a test.
    """
    asks = schemas.load(settings.target).API == "confirma"
    rate = settings.details_rate if asks else settings.rate
    changing = f", references are changed by {settings.reference_path}" if settings.reference_path else ""
    yield Finding("settings", ok=True, text=f"target {settings.target}, rate {rate}{changing}")
    journal = _examine_journal(settings)
    yield journal
    yield _examine_webhooks(settings)
    yield _examine_mappings(settings)
    yield _examine_notices(settings, trying=noticing)
    if isinstance(find_api, ImporterError):
        yield Finding("key", ok=False, text=str(find_api), exit_code=find_api.exit_code)
        return
    partner = find_api.referral_url
    keyed = replace(find_api, url=partner) if partner else find_api
    yield Finding("key", ok=True, text=f"there is one for {keyed.host}")
    if asks:
        yield _examine_token(settings, find_api)
        return
    try:
        account = _ask(settings, keyed, counted=journal.ok)
    except ImporterError as error:
        yield Finding("API", ok=False, text=str(error), exit_code=error.exit_code)
        return
    yield Finding("API", ok=True, text=f"the key is for {account.name} ({account.id})")
    yield _examine_clock(account)
    if client is not None:
        yield _examine_client(settings, find_api, client)


def _examine_journal(settings: Settings) -> Finding:
    try:
        with closing(Journal.open(settings.journal, settings.locks, create=False)) as journal:
            known = len(journal.runs())
            return Finding("journal", ok=True, text=f"it knows {known:,} run{'' if known == 1 else 's'}")
    except NoJournalError:
        return Finding("journal", ok=True, text="there is none yet; the first submit makes it")
    except ImporterError as error:
        return Finding("journal", ok=False, text=str(error), exit_code=error.exit_code)


def _examine_webhooks(settings: Settings) -> Finding:
    try:
        known = len(Secrets(settings).now())
    except ImporterError as error:
        return Finding("webhooks", ok=False, text=str(error), exit_code=error.exit_code)
    if not known:
        return Finding("webhooks", ok=True, text="no secret is set; only `importer listen` needs one")
    return Finding("webhooks", ok=True, text=f"secrets that deliveries may be signed with: {known}")


def _examine_mappings(settings: Settings) -> Finding:
    known = saved(settings.workspace)
    try:
        for path in known.values():
            read_mapping(path)
    except ImporterError as error:
        return Finding("mappings", ok=False, text=str(error), exit_code=error.exit_code)
    return Finding("mappings", ok=True, text=f"saved are: {', '.join(known)}" if known else "none is saved")


def _examine_notices(settings: Settings, *, trying: bool) -> Finding:
    """Say which endings are told to whom; with *trying* send a notice for a test."""
    try:
        services = notify.open_services(addresses) if (addresses := notify.find_addresses()) else []
    except ImporterError as error:
        return Finding("notices", ok=False, text=str(error), exit_code=error.exit_code)
    wanted = settings.notify not in {None, "never"}
    if not services and (trying or wanted):
        return Finding("notices", ok=False, text=notify.ABSENT, exit_code=3)
    if not services:
        return Finding("notices", ok=True, text="none is configured")
    names = ", ".join(service.name for service in services)
    if not settings.notify and not notify.is_in_environment():
        text = f"the keyring has an address ({names}), and is asked for it only where `notify` is set."
        return Finding("notices", ok=False, text=text, exit_code=3)
    if trying and (failed := notify.send(services, tell_test(platform.node()))):
        return Finding("notices", ok=False, text=" ".join(failed), exit_code=4)
    checks = ", checks too" if settings.notify_check else ""
    told = {"problems": f"of runs that leave a problem{checks}", "never": "of no run"}
    tried = "; a test notice was sent" if trying else ""
    when = told.get(settings.notify or "", f"of every run{checks}")
    return Finding("notices", ok=True, text=f"{names}, {when}{tried}")


def _examine_token(settings: Settings, api: Api) -> Finding:
    """Ask Confirma's API, which names no account and counts nothing in the journal, whether its token works."""
    try:
        said = validate(api, settings)
    except ImporterError as error:
        return Finding("API", ok=False, text=str(error), exit_code=error.exit_code)
    if said:
        return Finding("API", ok=False, text=f"the token is not valid: {said}", exit_code=4)
    return Finding("API", ok=True, text="the token is valid")


def _ask(settings: Settings, api: Api, *, counted: bool) -> Account:
    """Ask whose key it is, as any sender does; where there is a journal, it counts the request."""
    if counted:
        with (
            suppress(NoJournalError),
            closing(Journal.open(settings.journal, settings.locks, create=False)) as journal,
            sending_account(api, settings, journal, wait=False, waiting=_refuse_to_wait) as account,
        ):
            return account
    return identify(api, settings)


def _examine_client(settings: Settings, api: Api, client: str) -> Finding:
    """Say whether the partner's link to *client* is active: whether there is a token for it, and what it opens."""
    try:
        named = name_clients(api, client)
        with (
            _some_journal(settings) as journal,
            sending_parties(api, settings, journal, named, wait=False, waiting=_refuse_to_wait) as parties,
        ):
            account = parties.only(client).account
    except ImporterError as error:
        return Finding("client", ok=False, text=str(error), exit_code=error.exit_code)
    return Finding("client", ok=True, text=f"{client} is {account.name} ({account.id})")


@contextmanager
def _some_journal(settings: Settings) -> Iterator[Journal]:
    """Open the journal, or one for the moment: the first submit makes the one that stays."""
    with ExitStack() as stack:
        try:
            journal = Journal.open(settings.journal, settings.locks, create=False)
        except NoJournalError:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            journal = Journal.open(folder / "journal.db", folder / "locks")
        stack.enter_context(closing(journal))
        yield journal


def _refuse_to_wait(reason: str, until: float) -> None:
    if until - time.time() > PATIENCE:
        raise Stopped(
            f"It cannot be asked before {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC: {reason}. "
            "Try again then."
        )


def _examine_clock(account: Account) -> Finding:
    if account.ahead is None:
        return Finding("clock", ok=True, text="the API sends no time to compare with")
    if abs(account.ahead) <= CLOCK_TOLERANCE:
        return Finding("clock", ok=True, text="this machine and the API agree on the time")
    side = "behind" if account.ahead > 0 else "ahead of"
    text = f"this machine's clock is {abs(account.ahead):,.0f} s {side} the API's; set it."
    return Finding("clock", ok=False, text=text, exit_code=3)
