"""The sending of what was planned, until all is settled or it has to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from importer.client import Client
from importer.errors import Interrupted
from importer.journal.commits import Commits
from importer.pipeline.account import credential_of, steady_clock, throttle_of
from importer.plan import with_key
from importer.submit import Patience, Sender, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from importer.journal import Journal
    from importer.pipeline.account import Account, Api
    from importer.settings import Settings
    from importer.submit import Sending
    from schemas import Target

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # a user, a scheduler, a terminal that is closed


class Watcher(Protocol):
    """Whoever looks on while a run is sent."""

    def begin(self, total: int) -> None:
        """Be told how many cases are to be settled."""
        ...

    def settled(self, status: str) -> None:
        """Be told that a row has got its status."""
        ...

    def waiting(self, reason: str, until: float) -> None:
        """Be told that all wait, until when (seconds since the epoch), and for what."""
        ...

    def stopping(self) -> None:
        """Be told that what is in flight is being settled, and nothing more is sent."""
        ...


class Stoppable(Protocol):
    """Whoever can end its work in good order."""

    def stop(self, error: Interrupted) -> None:
        """Begin nothing more; what is in flight has some seconds."""
        ...


def patience_of(settings: Settings) -> Patience:
    """Take the times to wait from the settings."""
    return Patience(settle_after=settings.settle_after, timeout=settings.timeout)


def send(
    sendings: Iterable[Sending],
    *,
    api: Api,
    account: Account,
    target: Target,
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
    watcher.begin(sum(max(1, len(sending.followers)) for sending in pending))
    rekey = partial(with_key, account=account.id, target=target.NAME, mode=mode)

    async def run() -> None:
        clock = steady_clock()
        throttle = throttle_of(account.id, journal, settings, clock, ahead=account.ahead, waiting=watcher.waiting)
        async with (
            Client(api.url, api.key, header=api.header, timeout=settings.timeout) as client,
            Commits(journal) as commits,
        ):
            step = Step(
                client,
                journal,
                commits,
                endpoint=target.ENDPOINT,
                lookup=target.LOOKUP,
                account=account.id,
                credential=credential_of(api, journal.secret()),
                rekey=rekey,
                clock=clock,
                depart=throttle.depart,
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
            with interruptible(sender, watcher):
                await sender.send(pending)

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        raise Interrupted("Interrupted at once; what was in flight is in doubt, and `resume` asks about it.") from None


class interruptible:  # noqa: N801 - used as a with statement reads
    """Lets a signal end the sending: the first in good order, the second at once."""

    def __init__(self, sender: Stoppable, watcher: Watcher) -> None:
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
