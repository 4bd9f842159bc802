"""Whose key it is, and the right to send for that account: taken first, so that the question counts as well."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from importer.client import Client, Header
from importer.errors import RunError, Stopped
from importer.pipeline.pacing import steady_clock, throttle_of
from importer.protocol import Answer, Denied, Throttled, Unanswered, api_date, read_account, request_id, told
from importer.settings import environment_of
from importer.submit import LONGEST_WAIT
from importer.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from importer.journal import Journal
    from importer.protocol import Reply
    from importer.settings import Settings

    Waiting = Callable[[str, float], None]


PAUSES: Final = (1.0, 3.0, 0.0)  # seconds after each try to learn whose key it is

T = TypeVar("T")


class DeniedError(Stopped):
    """The API does not accept what was shown to it."""


class SilentError(Stopped):
    """The API gives no answer that can be read."""


@dataclass(frozen=True, slots=True)
class Api:
    """Where to send, and with what key, in which header.

    Attributes:
        url: Base URL.
        key: A secret.
        header: What carries it.
        referral_url: Of the API that gives tokens for a partner's clients, where *key* is a partner's; else None.
    """

    url: str
    key: str = field(repr=False)
    header: Header = "XApiKey"
    referral_url: str | None = None

    @property
    def host(self) -> str:
        """The API's host, as people know it."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True)
class Account:
    """Whose cases these are.

    Attributes:
        id: The API's world and what `GET /me` says in it, so that a rotated key is the same account.
        name: The company's.
        api_time: The API's clock when it said so, seconds since the epoch; None where it sends none.
        ahead: Seconds by which that was ahead of ours; None as above.
    """

    id: str
    name: str
    api_time: float | None
    ahead: float | None

    @property
    def title(self) -> str:
        """The account as people know it."""
        return f"{self.name} ({self.id.partition('/')[2]})"


def credential_of(api: Api, secret: bytes) -> str:
    """Return a keyed hash of the API key: enough to tell whether it is the same one, at the same API."""
    return hmac.digest(secret, f"{environment_of(api.url)} {api.key}".encode(), hashlib.sha256).hex()


@contextmanager
def sending_account(
    api: Api, settings: Settings, journal: Journal, *, of_run: str | None = None, wait: bool, waiting: Waiting
) -> Iterator[Account]:
    """Take the right to send for the account whose key this is, then ask whose it is, and hold that right.

    Args:
        api: Whom to ask, and the key.
        settings: Of the command.
        journal: Knows whose the key was last, and counts the request.
        of_run: The id of the account that it has to be.
        wait: For another sender of the account to end, instead of giving up.
        waiting: Told why and until when the request has to wait.

    Raises:
        JournalError: Another process has that right, and *wait* is false; then nothing was asked.
        RunError: The key is for another account than *of_run*.
        Stopped: The key is refused, the API cannot be reached, or the day's requests are spent.
    """
    credential = credential_of(api, journal.secret())
    ask = partial(ask_account, api, settings, journal, credential, waiting=waiting)
    holder, account = of_run or _known(journal, credential), None
    if holder is None:
        # Nobody can be kept out of an account that nobody knows; but two may not ask with one key at once.
        with journal.sender(credential, wait=True):
            holder = _known(journal, credential)
            if holder is None:
                account = ask(credential)
                holder = account.id
    while True:
        with journal.sender(holder, wait=wait):
            account = account or ask(holder)
            if of_run and account.id != of_run:
                raise RunError(
                    f"This run belongs to another account or environment ({of_run}); "
                    f"this key is for {account.id}. Nothing was sent."
                )
            if account.id == holder:
                yield account
                return
        holder = account.id


def asking_account(api: Api, settings: Settings, journal: Journal, *, waiting: Waiting) -> Account:
    """Say whose key it is, without the right to send: as it was when the key was last used, else by asking.

    Raises:
        Stopped: The key is refused, the API cannot be reached, or the day's requests are spent.
    """
    credential = credential_of(api, journal.secret())
    found = journal.account_of(credential)
    if found is None:
        with journal.sender(credential, wait=True):  # two may not ask with one key at once
            found = journal.account_of(credential)
            if found is None:
                return ask_account(api, settings, journal, credential, credential, waiting=waiting)
    account, name = found
    return Account(account, name, None, journal.ahead_of(account))


def _known(journal: Journal, credential: str) -> str | None:
    found = journal.account_of(credential)
    return found[0] if found else None


def identify(api: Api, settings: Settings) -> Account:
    """Ask whose key it is where there is no journal, and so nobody else who asks.

    Raises:
        Stopped: The key is refused, or the API cannot be reached.
    """
    clock = steady_clock()
    throttle = Throttle(settings.rate, (), clock=clock)
    return asyncio.run(_identify(api, settings, throttle, clock, lambda _left_at: lambda _reply: None))


def ask_account(
    api: Api, settings: Settings, journal: Journal, credential: str, who: str, *, waiting: Waiting
) -> Account:
    """Ask whose key it is within the windows of *who*, an account or, as yet, a key, and remember the answer."""
    clock = steady_clock()
    throttle = throttle_of(who, journal, settings, clock, ahead=journal.ahead_of(who), waiting=waiting)

    def leave(left_at: float) -> Callable[[Reply], None]:
        with journal.begin() as connection:
            number = journal.add_request(connection, who, left_at, "me", None)
        return partial(end, number)

    def end(number: int, reply: Reply) -> None:
        result = told(reply)
        named = request_id(reply) if isinstance(reply, Answer) else None
        with journal.begin() as connection:
            journal.end_request(connection, number, clock(), result, named)

    account = asyncio.run(_identify(api, settings, throttle, clock, leave))
    with journal.begin() as connection:
        journal.remember_key(connection, credential, account.id, account.name)
        if account.ahead is not None:
            journal.remember_ahead(connection, account.id, account.ahead)
    return account


async def _identify(
    api: Api,
    settings: Settings,
    throttle: Throttle,
    clock: Callable[[], float],
    leave: Callable[[float], Callable[[Reply], None]],
) -> Account:
    """Ask whose key it is; each try is a turn of *throttle*, and told to *leave*."""

    async def ask() -> Reply:
        end = leave(await throttle.turn())
        reply = await client.get("/me")
        end(reply)
        return reply

    async with Client(api.url, api.key, header=api.header, timeout=settings.timeout) as client:
        (id_, name), reply = await ask_again(ask, read_account, throttle, api.host)
    now = api_date(reply) if isinstance(reply, Answer) else None
    ahead = None if now is None else now - clock()
    return Account(f"{environment_of(api.url)}/{id_}", name, now, ahead)


async def ask_again(
    ask: Callable[[], Awaitable[Reply]],
    read: Callable[[Reply], T | Throttled | Denied | Unanswered],
    throttle: Throttle,
    host: str,
    *,
    so_far: str = "nothing was sent",
) -> tuple[T, Reply]:
    """Ask, again where no answer comes; returns what the answer says, and the answer; *so_far* is for the error.

    Raises:
        DeniedError: The key is refused.
        SilentError: There is no answer.
        Stopped: The day's requests are spent.
    """
    said = ""
    for pause in PAUSES:
        reply = await ask()
        match read(reply):
            case Denied(status, _):
                problem = "is not accepted" if status == 401 else "may not be used for this"  # noqa: PLR2004
                raise DeniedError(
                    f"The API key {problem} by {host} ({status}). Put the right one in IMPORTER_API_KEY; {so_far}."
                )
            case Throttled(seconds):
                said = "it allows no more requests for now (429)"
                if seconds is not None and seconds > LONGEST_WAIT:
                    break
                throttle.pause(max(pause, seconds or 0.0))
            case Unanswered(reason):
                said = reason
                throttle.pause(pause, "the API does not answer")
            case found:
                return found, reply
    raise SilentError(f"The API at {host} cannot be asked: {said}. {so_far.capitalize()}; try again later.")
