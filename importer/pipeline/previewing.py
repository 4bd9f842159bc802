"""The requests of --preview, within each account's windows: nobody's right to send is needed, since nothing is sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from importer.client import Client
from importer.errors import Stopped
from importer.journal import Journal
from importer.model import Forecast, Preview
from importer.pipeline.account import DeniedError, SilentError, ask_again
from importer.pipeline.pacing import steady_clock, throttle_of
from importer.pipeline.parties import asking_parties
from importer.pipeline.preview import foretell, put_questions, sort_by_stake, to_send, warn
from importer.protocol.preview import read_preview
from importer.talk import Talk, for_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from importer.model import Doing
    from importer.pipeline.account import Api, Waiting
    from importer.pipeline.job import Job, Judged
    from importer.pipeline.parties import Parties, Party
    from importer.pipeline.preview import Question
    from importer.plan import Planned
    from importer.protocol import Reply
    from importer.settings import Settings
    from importer.throttle import Throttle
    from schemas import Target

BATCH: Final = 16  # requests between two looks at what others have sent meanwhile: fewer than the pace leaves free
PATIENCE: Final = 3  # groups in a row without an answer: the API does not give any
UNASKED: Final = "It was not asked."


def preview_check(
    judged: Judged, job: Job, made: Mapping[int, object], settings: Settings, api: Api, waiting: Waiting, doing: Doing
) -> tuple[Judged, Preview, pd.DataFrame]:
    """Ask about what a submit would send; the journal counts the requests, and nothing else in it changes.

    Args:
        judged: Of the check.
        job: What was asked for.
        made: Row key → what an earlier run made.
        settings: Of the command.
        api: Whom to ask.
        waiting: Told why and until when a request has to wait.
        doing: Gets to know how far it is.

    Returns:
        The rows with warnings, what the API said, and what is to be told of single rows: see `foretell`.

    Raises:
        JournalError: The journal cannot be opened.
    """
    questions = put_questions(judged, job, to_send(judged, made))
    if not questions:
        return judged, Preview((), 0), foretell((), Preview((), 0))
    with closing(Journal.open(settings.journal, settings.locks)) as journal:
        try:
            parties = asking_parties(api, settings, journal, judged.clients, waiting=waiting)
            preview = _ask(questions, judged.target, parties, journal, settings, waiting, doing)
        except Stopped as error:
            preview = Preview(tuple(replace(one.group, failed=UNASKED) for one in questions), 0, str(error))
    return warn(judged, questions, preview), sort_by_stake(preview), foretell(questions, preview)


def preview_planned(
    judged: Judged,
    job: Job,
    planned: Sequence[Planned],
    parties: Parties,
    journal: Journal,
    settings: Settings,
    waiting: Waiting,
    doing: Doing,
) -> tuple[Judged, Preview]:
    """Ask about what a submit is about to send.

    Raises:
        DeniedError: The key is refused.
    """
    sent = [plan.case.row for plan in planned if plan.fate in {"send", "wait"}]
    questions = put_questions(judged, job, judged.values.index[judged.values.index.isin(sent)])
    if not questions:
        return judged, Preview((), 0)
    preview = _ask(questions, judged.target, parties, journal, settings, waiting, doing)
    return warn(judged, questions, preview), sort_by_stake(preview)


def _ask(
    questions: Sequence[Question],
    target: Target,
    parties: Parties,
    journal: Journal,
    settings: Settings,
    waiting: Waiting,
    doing: Doing,
) -> Preview:
    asker = _Asker(questions, target.PREVIEW, journal, settings, waiting, doing)
    asyncio.run(asker.ask_all(parties))
    groups = []
    for number, question in enumerate(questions):
        answer = asker.answers.get(number, UNASKED)
        told = {"forecast": answer} if isinstance(answer, Forecast) else {"failed": answer}
        groups.append(replace(question.group, **told))
    return Preview(tuple(groups), asker.requests.total(), asker.stopped)


class _Asker:
    """Asks about all groups; one that gets no answer leaves the others theirs."""

    def __init__(
        self,
        questions: Sequence[Question],
        path: str,
        journal: Journal,
        settings: Settings,
        waiting: Waiting,
        doing: Doing,
    ) -> None:
        self._questions = questions
        self._path = path
        self._journal = journal
        self._settings = settings
        self._waiting = waiting
        self._doing = doing
        self._silent = 0
        self.answers: dict[int, Forecast | str] = {}
        self.requests: Counter[str] = Counter()
        self.stopped = ""

    async def ask_all(self, parties: Parties) -> None:
        by_client: dict[str, list[int]] = {}
        for number, question in enumerate(self._questions):
            by_client.setdefault(question.group.client, []).append(number)
        for client, numbers in by_client.items():
            if client in parties.absent:
                self.answers |= dict.fromkeys(numbers, parties.absent[client])
                continue
            try:
                await self._ask_for(parties.by_client[client], numbers)
            except DeniedError as error:
                if not client:
                    raise
                self.answers = {**dict.fromkeys(numbers, str(error)), **self.answers}
            except Stopped as error:
                self.stopped = f"Client {client}: {error}" if client else str(error)
                return

    async def _ask_for(self, party: Party, numbers: Sequence[int]) -> None:
        clock = steady_clock()
        account, api = party.account, party.api
        async with Client(api.url, api.key, header=api.header, timeout=self._settings.timeout) as client:
            for start in range(0, len(numbers), BATCH):
                throttle = throttle_of(
                    account.id,
                    self._journal,
                    self._settings,
                    clock,
                    ahead=account.ahead,
                    waiting=self._waiting,
                    alone=False,
                )
                talk = Talk(client, self._journal, account.id, throttle, clock, self.requests)

                async def ask(number: int, talk: Talk = talk, throttle: Throttle = throttle) -> None:
                    body = self._questions[number].body
                    try:
                        asked: tuple[Forecast | str, Reply] = await ask_again(
                            lambda: talk.request("preview", self._path, method="POST", body=body),
                            read_preview,
                            throttle,
                            api.host,
                        )
                    except SilentError as error:
                        self._silent += 1
                        self.answers[number] = str(error)
                        if self._silent >= min(PATIENCE, len(self._questions)):
                            raise
                    else:
                        self._silent = 0
                        self.answers[number], _ = asked
                    self._doing("Asking for previews", len(self.answers) / len(self._questions))

                await for_each(numbers[start : start + BATCH], ask, min(BATCH, self._settings.concurrency))
