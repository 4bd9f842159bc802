"""Who the account is, and the sending of what was planned: the only part of the pipeline that runs in an event loop."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from importer.client import Client
from importer.errors import Interrupted, Stopped
from importer.journal.commits import Commits
from importer.plan import with_key
from importer.protocol import Answer, Denied, Throttled, Unanswered, api_date, read_account
from importer.settings import environment_of
from importer.submit import Patience, Sender, Step
from importer.throttle import DAY, Throttle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importer.journal import Journal
    from importer.model import Status
    from importer.settings import Settings
    from importer.submit import Sending

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # a user, a scheduler, a terminal that is closed
IDENTIFY_PAUSES: Final = (0.0, 1.0, 3.0)  # seconds before each try to learn who the account is


@dataclass(frozen=True, slots=True)
class Api:
    """Where to send, and with what key."""

    url: str
    key: str = field(repr=False)

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
        api_time: The API's clock at that moment, seconds since the epoch; None where it sends none.
        asked_at: Our own clock, the same.
    """

    id: str
    name: str
    api_time: float | None
    asked_at: float

    @property
    def title(self) -> str:
        """The account as people know it."""
        return f"{self.name} ({self.id.partition('/')[2]})"


class Watcher(Protocol):
    """Whoever looks on while a run is sent."""

    def begin(self, total: int) -> None:
        """Be told how many cases are to be settled."""
        ...

    def settled(self, status: Status) -> None:
        """Be told that a row has got its status."""
        ...

    def waiting(self, reason: str, until: float) -> None:
        """Be told that all wait, until when (seconds since the epoch), and for what."""
        ...

    def stopping(self) -> None:
        """Be told that what is in flight is being settled, and nothing more is sent."""
        ...


def identify(api: Api, settings: Settings) -> Account:
    """Ask the API whose key this is.

    Raises:
        Stopped: The key is refused, or the API cannot be reached.
    """
    return asyncio.run(_identify(api, settings))


async def _identify(api: Api, settings: Settings) -> Account:
    said = ""
    async with Client(api.url, api.key, timeout=settings.timeout) as client:
        for pause in IDENTIFY_PAUSES:
            await asyncio.sleep(pause)
            asked_at = time.time()
            reply = await client.get("/me")
            match read_account(reply):
                case Denied(status, _):
                    problem = "is not accepted" if status == 401 else "may not be used for this"  # noqa: PLR2004
                    raise Stopped(
                        f"The API key {problem} by {api.host} ({status}). "
                        "Put the right one in IMPORTER_API_KEY; nothing was sent."
                    )
                case Throttled():
                    said = "it allows no more requests for now (429)"
                case Unanswered(reason):
                    said = reason
                case (id_, name):
                    now = api_date(reply) if isinstance(reply, Answer) else None
                    return Account(f"{environment_of(api.url)}/{id_}", name, now, asked_at)
    raise Stopped(f"The API at {api.host} cannot be asked: {said}. Nothing was sent; try again later.")


def credential_of(api: Api, secret: bytes) -> str:
    """Return a keyed hash of the API key: enough to tell whether it is the same one."""
    return hmac.digest(secret, api.key.encode(), hashlib.sha256).hex()


def patience_of(settings: Settings) -> Patience:
    """Take the times to wait from the settings."""
    return Patience(settle_after=settings.settle_after, timeout=settings.timeout)


def send(
    sendings: Iterable[Sending],
    *,
    api: Api,
    account: Account,
    endpoint: str,
    target: str,
    mode: str,
    journal: Journal,
    settings: Settings,
    watcher: Watcher,
) -> None:
    """Send *sendings* until all are settled.

    Raises:
        Stopped: Sending ended before its end, or a group was held back; `resume` goes on.
        Interrupted: By the user; what was in flight is settled or journaled.
    """
    pending = list(sendings)
    watcher.begin(len(pending))
    rekey = partial(with_key, account=account.id, target=target, mode=mode)

    async def run() -> None:
        clock = steady_clock()
        throttle = Throttle(
            settings.rate, journal.left_since(account.id, clock() - DAY), clock=clock, on_wait=watcher.waiting
        )
        if account.api_time is not None:
            throttle.follow(account.api_time)
        async with (
            Client(api.url, api.key, timeout=settings.timeout) as client,
            Commits(journal) as commits,
        ):
            step = Step(
                client,
                journal,
                commits,
                endpoint=endpoint,
                account=account.id,
                credential=credential_of(api, journal.secret()),
                rekey=rekey,
                clock=clock,
                follow=throttle.follow,
                api_time=account.api_time,
            )
            sender = Sender(
                step,
                throttle,
                ceiling=settings.concurrency,
                patience=patience_of(settings),
                keep_going=settings.keep_going,
                clock=clock,
                observe=watcher.settled,
            )
            with _interruptible(sender, watcher):
                await sender.send(pending)

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        raise Interrupted("Interrupted at once; what was in flight is in doubt, and `resume` asks about it.") from None


def steady_clock() -> partial[float]:
    """Make a clock of seconds since the epoch that no change of the system's time makes jump."""
    return partial(lambda start: start + time.monotonic(), time.time() - time.monotonic())


class _interruptible:  # noqa: N801 - used as a with statement reads
    """Lets a signal end the sending: the first in good order, the second at once."""

    def __init__(self, sender: Sender, watcher: Watcher) -> None:
        self._sender = sender
        self._watcher = watcher
        self._asked = False
        self._task = asyncio.current_task()
        self._before = {number: signal.getsignal(number) for number in SIGNALS}

    def __enter__(self) -> None:
        for number, before in self._before.items():
            if before is signal.SIG_IGN:  # as nohup wants it
                continue
            # Only the main thread of a process takes signals; elsewhere the program is a library.
            with suppress(ValueError, RuntimeError, NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, self._stop)

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            with suppress(ValueError, RuntimeError, NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(number)
            with suppress(ValueError, TypeError):
                # The loop leaves the system's own behind, which would end the process before its report is written.
                signal.signal(number, before)

    def _stop(self) -> None:
        if self._asked and self._task:
            self._task.cancel()
            return
        self._asked = True
        self._watcher.stopping()
        self._sender.stop(Interrupted("Interrupted; what was in flight is settled or in the journal."))
