"""Webhook subscriptions at the API: made, listed, removed, tested; by requests that count like any other."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from importer.errors import Interrupted, Stopped
from importer.journal import Journal
from importer.pipeline.account import sending_account
from importer.pipeline.asking import asking
from importer.protocol import Absent, NeverLeft, Refused, Unanswered
from importer.protocol.webhooks import Told, read_admin, subscription_of, subscriptions_of, trial_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.pipeline.account import Account, Api, Waiting
    from importer.protocol import Denied, Reply, Throttled
    from importer.protocol.webhooks import Subscription, Trial
    from importer.settings import Settings

UNSURE: Final = (
    "whether the webhook was made is not known. See `importer webhooks list`, remove it if it is there, "
    "since its secret is told only once, and add it again"
)


@dataclass(frozen=True, slots=True)
class Unsure:
    """The answer was lost, and the request must not be repeated."""

    reason: str


class Desk:
    """Where subscriptions are asked for; every request is one of the account's, whose sender's lock is held meanwhile.

    Every method raises Stopped where the key is refused, the API cannot be asked, or the day's requests are spent.

    Args:
        settings: Of the command.
        api: Whom to ask, and the key.
        wait: For a sender of the account to end, instead of giving up with a JournalError.
        waiting: Told why and until when a request has to wait.
    """

    def __init__(self, settings: Settings, api: Api, *, wait: bool, waiting: Waiting) -> None:
        self._settings = settings
        self._api = api
        self._wait = wait
        self._waiting = waiting

    def add(self, url: str, events: Sequence[str], *, test: bool) -> Subscription | Refused:
        """Subscribe; asked once, since the API would make a second subscription of a second request."""
        wanted = json.dumps({"url": url, "events": list(events), "isTestMode": test})
        try:
            answer = self._ask("POST", "/webhooks", wanted.encode(), repeatable=False)
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted: {UNSURE}.") from None
        match answer:
            case Told(document) if made := subscription_of(document):
                if made.secret:
                    return made
                raise Stopped(f"The webhook {made.id} was made, but its secret not told: remove it, and add it again.")
            case Refused() as refusal:
                return refusal
            case other:
                raise Stopped(f"{_tell(other).capitalize()}: {UNSURE}.")

    def list_all(self) -> Sequence[Subscription]:
        """List the account's subscriptions."""
        match self._ask("GET", "/webhooks"):
            case Told(document) if (found := subscriptions_of(document)) is not None:
                return found
            case other:
                raise Stopped(f"The webhooks cannot be listed: {_tell(other)}. Try again later.")

    def remove(self, name: str) -> bool:
        """Remove a subscription; returns False where there is none."""
        match self._ask("DELETE", f"/webhooks/{name}"):
            case Told():
                return True
            case Absent():
                return False
            case other:
                raise Stopped(f"The webhook {name} cannot be removed: {_tell(other)}.")

    def test(self, name: str) -> Trial | None:
        """Have the API deliver an event of no real case; returns how that went, None where there is no subscription."""
        match self._ask("POST", f"/webhooks/{name}/test"):
            case Told(document) if tested := trial_of(document):
                return tested
            case Absent():
                return None
            case other:
                raise Stopped(f"The webhook {name} cannot be tested: {_tell(other)}.")

    def _ask(
        self, method: str, path: str, body: bytes | None = None, *, repeatable: bool = True
    ) -> Told | Refused | Absent | Unsure:
        with (
            closing(Journal.open(self._settings.journal, self._settings.locks)) as journal,
            sending_account(self._api, self._settings, journal, wait=self._wait, waiting=self._waiting) as account,
        ):
            return asyncio.run(self._request(journal, account, method, path, body, repeatable=repeatable))

    async def _request(
        self, journal: Journal, account: Account, method: str, path: str, body: bytes | None, *, repeatable: bool
    ) -> Told | Refused | Absent | Unsure:
        """Ask, again where nothing can have come of it, or where asking twice does no more than asking once."""

        def read(reply: Reply) -> Told | Refused | Absent | Unsure | Throttled | Denied | Unanswered:
            match read_admin(reply):
                case NeverLeft(reason):
                    return Unanswered(reason)
                case Unanswered(reason) if not repeatable:
                    return Unsure(reason)
                case meaning:
                    return meaning

        async with asking(journal, account, self._settings, self._api, self._waiting) as talk:
            return await talk.ask("webhooks", path, None, read, method=method, body=body)


def _tell(meaning: object) -> str:
    match meaning:
        case Refused(_, message):
            return message
        case Unsure(reason):
            return reason
        case _:
            return "its answer could not be read"
