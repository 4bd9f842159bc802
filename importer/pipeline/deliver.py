"""The sending of what was planned, until all is settled or it has to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from importer.client import Client
from importer.errors import Interrupted, Stopped
from importer.journal.commits import Commits
from importer.pipeline.pacing import steady_clock, throttle_of
from importer.pipeline.parties import LINK_AGAIN
from importer.pipeline.tokens import Office, Token
from importer.plan import with_key
from importer.submit import Patience, Sender, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from importer.journal import Journal
    from importer.pipeline.account import Api
    from importer.pipeline.parties import Parties
    from importer.settings import Settings
    from importer.submit import Sending
    from schemas import Target

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # a user, a scheduler, a terminal that is closed
OF_CLIENTS: Final = {"credential": "client's token", "remedy": LINK_AGAIN}


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


@dataclass(frozen=True, slots=True)
class Delivery:
    """What all senders of a run share."""

    parties: Parties
    api: Api
    target: Target
    mode: str
    journal: Journal
    settings: Settings
    watcher: Watcher

    def send(self, lots: Mapping[str, Sequence[Sending]]) -> dict[str, str]:
        """Send each client's *lots* until all are settled, side by side; returns client → why it was stopped.

        Raises:
            Interrupted: By the user; what was in flight is settled or journaled.
        """
        self.watcher.begin(sum(max(1, len(sending.followers)) for lot in lots.values() for sending in lot))
        try:
            ended = asyncio.run(self._send(lots))
        except asyncio.CancelledError:
            text = "Interrupted at once; what was in flight is in doubt, and `resume` asks about it."
            raise Interrupted(text) from None
        for error in ended.values():  # a bug, or an interruption: it goes before all reasons
            if error and not isinstance(error, Stopped):
                raise error
        return {client: str(error) for client, error in ended.items() if error}

    async def _send(self, lots: Mapping[str, Sequence[Sending]]) -> dict[str, BaseException | None]:
        # However many clients there are, no more requests are in flight than one may have.
        gate = asyncio.Semaphore(self.settings.concurrency)
        ceiling = max(1, self.settings.concurrency // len(lots))
        clock = steady_clock()
        async with Commits(self.journal) as commits, AsyncExitStack() as stack:
            grant = self._office(commits).grant if self.api.referral_url else None
            senders = {}
            for client in lots:
                party = self.parties.by_client[client]
                http = await stack.enter_async_context(
                    Client(party.api.url, party.api.key, header=party.api.header, timeout=self.settings.timeout)
                )
                bearer = Token(client, party.first, grant, http.use, clock) if grant and party.first else None
                senders[client] = self._sender(client, http, commits, bearer, clock, ceiling)

            async def send_for(client: str) -> None:
                async with gate:
                    await senders[client].send(lots[client])

            with interruptible(senders.values(), self.watcher):
                ended = await asyncio.gather(*map(send_for, lots), return_exceptions=True)
            return dict(zip(lots, ended, strict=True))

    def _office(self, commits: Commits) -> Office:
        partner, waiting = self.parties.account, self.watcher.waiting
        return Office(self.api, partner, self.journal, self.settings, waiting=waiting, commits=commits)

    def _sender(
        self,
        client: str,
        http: Client,
        commits: Commits,
        bearer: Token | None,
        clock: Callable[[], float],
        ceiling: int,
    ) -> Sender:
        """Make the sender of one client, or of the one account there is."""
        party, settings = self.parties.by_client[client], self.settings
        account = party.account
        waiting = partial(_tell_waiting, self.watcher, client)
        throttle = throttle_of(account.id, self.journal, settings, clock, ahead=account.ahead, waiting=waiting)
        step = Step(
            http,
            self.journal,
            commits,
            endpoint=self.target.ENDPOINT,
            lookup=self.target.LOOKUP,
            account=account.id,
            credential=party.credential,
            rekey=partial(with_key, account=account.id, target=self.target.NAME, mode=self.mode),
            clock=clock,
            depart=throttle.depart,
            follow=throttle.follow,
            api_time=account.api_time,
            bearer=bearer,
        )
        return Sender(
            step,
            throttle,
            ceiling=ceiling,
            patience=patience_of(settings),
            keep_going=settings.keep_going,
            clock=clock,
            observe=self.watcher.settled,
            **(OF_CLIENTS if bearer else {}),
        )


def _tell_waiting(watcher: Watcher, client: str, reason: str, until: float) -> None:
    watcher.waiting(f"{reason} (client {client})" if client else reason, until)


class interruptible:  # noqa: N801 - used as a with statement reads
    """Lets a signal end the sending: the first in good order, the second at once."""

    def __init__(self, senders: Iterable[Stoppable], watcher: Watcher) -> None:
        self._senders = senders
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
        for sender in self._senders:
            sender.stop(Interrupted("Interrupted; what was in flight is settled or in the journal."))
