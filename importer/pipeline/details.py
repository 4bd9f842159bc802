"""details: each case id of a sheet is asked about once, and what the API tells becomes one workbook."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from importer import messages
from importer.client import Client
from importer.errors import CannotStart, Interrupted, Stopped
from importer.model import split_row_key
from importer.pipeline.describing import UNUSED, describe
from importer.pipeline.judge import judge
from importer.pipeline.pacing import steady_clock
from importer.pipeline.reporting import make_folder
from importer.pipeline.sessions import end_session
from importer.protocol import Absent, Answer, Denied, Throttled, Unanswered
from importer.protocol.details import SHEETS, CaseDetails, Odd, Told, read_details, read_validation
from importer.report.details import STATUSES, SUMS, Findings, Sheet, open_book
from importer.submit import LONGEST_WAIT
from importer.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from importer.errors import ImporterError
    from importer.model import Run
    from importer.pipeline.account import Api
    from importer.pipeline.deliver import Watcher
    from importer.pipeline.job import Job, Judged
    from importer.protocol.details import DetailsMeaning
    from importer.report.details import Book
    from importer.settings import Settings

PAUSES: Final = (1.0, 2.0, 4.0, 8.0)  # seconds after each try that brought no answer; then the row has failed
THROTTLED: Final = 20  # times that one id is asked again after a 429, which is no failure
DENIED: Final = 3  # refusals of the key in a row, after which nothing more is asked
FAILED: Final = 10  # ids in a row without any answer, the same
VALIDATE: Final = "/api/v1/partner/validate"
BAD: Final = ("not-found", "failed", "invalid")
ISSUE_HEADER: Final = ("Column", "Severity", "Code", "Value", "Message", "Hint")
_ISSUES: Final = {"Message": "sentence", "Hint": "sentence"}
_LISTS: Final = {
    "Invoices": ("invoices", "distribution"),
    "Timeline": ("timeline",),
    "Payments": ("payments",),
    "Events": ("events",),
    "Actions": ("actions",),
    "Notes": ("notes",),
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """How it ended.

    Attributes:
        run: Its id.
        sources: Names, in the order given.
        report: The workbook.
        findings: Counts, totals, and what was noticed.
        exit_code: As the process exits.
        stopped: Why it ended before its end.
    """

    run: str
    sources: tuple[str, ...]
    report: Path
    findings: Findings
    exit_code: int
    stopped: str | None


@dataclass(slots=True)
class _Answers:
    """What was answered: on the disk, in a file without a name, since ten thousand cases are too much to hold."""

    file: Any
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    outcomes: dict[str, tuple[str, str]] = field(default_factory=dict)  # id → status, message

    def keep(self, asked: str, body: bytes) -> None:
        place = self.file.seek(0, 2)
        self.file.write(body)
        self.places[asked] = (place, len(body))
        self.outcomes[asked] = ("found", "")

    def cases(self, asked: str, *, by_invoice: bool) -> tuple[CaseDetails, ...]:
        place, length = self.places[asked]
        self.file.seek(place)
        told = read_details(Answer(200, {}, self.file.read(length)), asked, by_invoice=by_invoice)
        return told.cases if isinstance(told, Told) else ()


def fetch(job: Job, settings: Settings, api: Api, watcher: Watcher) -> Fetched:
    """Judge every row, ask about each id once, and write the workbook, however the asking ends.

    Raises:
        CannotStart: Sources, columns or settings do not allow it, or the workbook cannot be written.
    """
    judged = judge(job, settings)
    job = judged.job
    run = replace(describe(judged, job, settings, "details"), host=api.host)
    folder = settings.reports / run.id
    make_folder(folder)
    valid = judged.references[~judged.references.index.isin(judged.faulty)]
    ids = list(dict.fromkeys(valid))
    stopped: ImporterError | None = None
    with tempfile.TemporaryFile(dir=folder) as file:
        answers = _Answers(file)
        try:
            asyncio.run(_Asking(api, settings, answers, watcher).ask(ids[: job.limit]))
        except Stopped as error:
            stopped = error
        except KeyboardInterrupt:
            stopped = Interrupted("Interrupted: what was answered is in the workbook; run it again for the rest.")
        statuses = Counter(status for _, _, status, _ in _outcomes(judged, answers))
        findings = Findings({name: statuses[name] for name in STATUSES}, unused=dict(run.settings).get(UNUSED, ""))
        code = stopped.exit_code if stopped else _exit_code(findings.counts)
        run = replace(run, finished=datetime.now(UTC), stopped=str(stopped) if stopped else None, exit_code=code)
        path = folder / "details.xlsx"
        try:
            _write(path, end_session(run), judged, answers, findings, settings)
        except OSError as error:
            raise CannotStart(f"The report {path} cannot be written: {error.strerror or error}.") from None
    return Fetched(run.id, tuple(source.name for source in run.sources), path, findings, code, run.stopped)


def validate(api: Api, settings: Settings) -> str:
    """Ask whether the token works; blank where it does, else what to do.

    Raises:
        Stopped: It is not accepted, or the API cannot be asked.
    """

    async def ask() -> str:
        async with Client(api.url, api.key, header=api.header, timeout=settings.timeout) as client:
            match read_validation(await client.get(VALIDATE)):
                case Denied(status, _):
                    raise Stopped(_refused(api, status))
                case Throttled():
                    raise Stopped(f"The API at {api.host} allows no more requests for now (429); try again later.")
                case Unanswered(reason):
                    raise Stopped(f"The API at {api.host} cannot be asked: {reason}. Try again later.")
                case said:
                    return str(said)

    return asyncio.run(ask())


def _refused(api: Api, status: int) -> str:
    return (
        f"The API key is not accepted by {api.host} ({status}): it may have expired, or be of another environment. "
        "Put the right one in IMPORTER_API_KEY."
    )


class _Asking:
    """Asks about ids, several at a time, at the pace of the throttle."""

    def __init__(self, api: Api, settings: Settings, answers: _Answers, watcher: Watcher) -> None:
        self._api, self._settings, self._answers, self._watcher = api, settings, answers, watcher
        self._by_invoice = "invoice" in settings.details_parameter.casefold()
        self._throttle = Throttle(settings.details_rate, (), clock=steady_clock(), on_wait=watcher.waiting)
        self._denied = self._failed = 0
        self._patience = FAILED

    async def ask(self, ids: list[str]) -> None:
        """Ask about all *ids*.

        Raises:
            Stopped: The key is refused, or nothing answers; the rest was not asked.
        """
        self._watcher.begin(len(ids))
        self._patience = min(FAILED, len(ids))
        left = iter(ids)
        try:
            async with (
                Client(self._api.url, self._api.key, header=self._api.header, timeout=self._settings.timeout) as client,
                asyncio.TaskGroup() as group,
            ):
                for _ in range(min(self._settings.concurrency, len(ids))):
                    group.create_task(self._work(client, left))
        except* Stopped as errors:
            raise errors.exceptions[0] from None

    async def _work(self, client: Client, left: Iterator[str]) -> None:
        for asked in left:
            self._note(asked, await self._ask_one(client, asked))

    async def _ask_one(self, client: Client, asked: str) -> DetailsMeaning | bytes:
        """Ask until there is an answer: each try is a turn; a GET changes nothing, and may be repeated."""
        tries = throttled = 0
        while True:
            await self._throttle.turn()
            self._throttle.depart()
            reply = await client.get(_endpoint(self._settings), {self._settings.details_parameter: asked})
            match meaning := read_details(reply, asked, by_invoice=self._by_invoice):
                case Throttled(seconds) if throttled < THROTTLED:
                    if seconds is not None and seconds > LONGEST_WAIT:
                        raise Stopped(
                            "The API allows no more requests for longer than can be waited (429). Run it again later."
                        )
                    self._throttle.pause(seconds or PAUSES[min(throttled, len(PAUSES) - 1)])
                    throttled += 1
                case Unanswered() if tries < len(PAUSES):
                    await asyncio.sleep(PAUSES[tries])
                    tries += 1
                case Told() if isinstance(reply, Answer):
                    return reply.body
                case _:
                    return meaning

    def _note(self, asked: str, meaning: DetailsMeaning | bytes) -> None:
        match meaning:
            case bytes():
                self._answers.keep(asked, meaning)
                status, message = "found", ""
            case Absent():
                status, message = "not-found", messages.UNKNOWN_ID.say()
            case Denied(code, said):
                status, message = "denied", said or messages.as_sentence(messages.tell_answer(code))
            case Odd(reason) | Unanswered(reason):
                status, message = "failed", messages.as_sentence(reason)
            case _:
                status, message = "failed", messages.NO_MORE_NOW.say()
        self._answers.outcomes[asked] = (status, message)
        self._watcher.settled(status)
        self._denied = self._denied + 1 if status == "denied" else 0
        self._failed = self._failed + 1 if isinstance(meaning, Unanswered) else 0
        if isinstance(meaning, Denied) and self._denied >= DENIED:
            raise Stopped(f"{_refused(self._api, meaning.status)} The rest was not asked for.")
        if isinstance(meaning, Unanswered) and self._failed >= self._patience:
            raise Stopped(f"The API at {self._api.host} gives no answer: {meaning.reason}. Try again later.")


def _endpoint(settings: Settings) -> str:
    import schemas  # noqa: PLC0415 - loaded by judging

    return schemas.load(settings.target).ENDPOINT


def _outcomes(judged: Judged, answers: _Answers) -> Iterator[tuple[int, str | None, str, str]]:
    """Yield of each row its key, what it asks for, its status, and a message."""
    faulty = set(judged.faulty)
    for key, asked in zip(judged.references.index, judged.references, strict=True):
        text = asked if isinstance(asked, str) else None
        status, message = ("invalid", "See Issues.")
        if key not in faulty:
            status, message = answers.outcomes.get(text or "", ("not-asked", ""))
        yield int(key), text, status, message


def _exit_code(counts: dict[str, int]) -> int:
    if counts["denied"]:
        return Stopped.exit_code
    return 1 if any(counts[name] for name in BAD) else 0


def _sheets(*, several: bool) -> list[Sheet]:
    place = (("Source", "text"), ("Row", "place")) if several else (("Row", "place"),)
    columns = {name: tuple((column.heading, column.kind) for column in part) for name, part in SHEETS.items()}
    asked = (("Asked for", "text"), ("Status", "status"))
    id_ = (("Case id", "text"),)
    return [
        Sheet("Cases", (*place, *asked, *columns["summary"], ("Message", "sentence"))),
        Sheet("Balances", (*id_, ("Currency", "text"), *columns["balance"], ("Adds up", "right"))),
        *(
            Sheet(name, (*id_, *_timed(name), *(one for part in parts for one in columns[part])))
            for name, parts in _LISTS.items()
        ),
        Sheet("Issues", (*place, *id_, *((name, _ISSUES.get(name, "text")) for name in ISSUE_HEADER))),
    ]


def _timed(name: str) -> tuple[tuple[str, str], ...]:
    return (("Invoice number", "text"),) if name == "Timeline" else ()


def _write(path: Path, run: Run, judged: Judged, answers: _Answers, findings: Findings, settings: Settings) -> None:
    """Write the workbook in the order of the source; a case goes once to all sheets but the first."""
    several = len(run.sources) > 1
    by_invoice = "invoice" in settings.details_parameter.casefold()
    seen: set[str] = set()

    def place(key: int) -> tuple[object, ...]:
        source, row = split_row_key(key)
        return (run.sources[source].name, row) if several else (row,)

    with open_book(path, _sheets(several=several)) as book:
        blank = (None,) * len(SHEETS["summary"])
        for issue in judged.issues.to_dict("records"):
            texts = (issue[name] for name in ("column", "severity", "code", "value", "message", "hint"))
            book.add("Issues", (*place(issue["row"]), None, *texts))
        for key, asked, status, message in _outcomes(judged, answers):
            cases = answers.cases(asked, by_invoice=by_invoice) if asked and status == "found" else ()
            if not cases:
                book.add("Cases", (*place(key), asked, status, *blank, message or None))
            for case in cases:
                findings.strangers |= case.strangers
                told = messages.ODD_BALANCE.say() if case.faults else None
                book.add("Cases", (*place(key), asked, status, *case.summary, told))
                if case.id not in seen:
                    seen.add(case.id)
                    _add_case(book, case, findings)
                    _add_faults(book, case, place(key), judged)
        findings.cases = len(seen)
        book.finish(run, findings)


def _add_case(book: Book, case: CaseDetails, findings: Findings) -> None:
    if case.balance is not None:
        adds = "no" if case.faults else "yes"
        book.add("Balances", (case.id, case.currency, *case.balance, adds))
        names = [column.members[0] for column in SHEETS["balance"]]
        told = dict(zip(names, case.balance, strict=True))
        sums = findings.totals.setdefault(case.currency, {"cases": Decimal(0), **dict.fromkeys(SUMS, Decimal(0))})
        sums["cases"] += 1
        for name in SUMS:
            amount = told[name]
            sums[name] += amount if isinstance(amount, Decimal) else 0
    findings.faulty += bool(case.faults)
    for name, (list_, *_) in _LISTS.items():
        for record in case.lists[list_]:
            book.add(name, (case.id, *record))


def _add_faults(book: Book, case: CaseDetails, place: tuple[object, ...], judged: Judged) -> None:
    code = judged.target.CODES["balance-mismatch"]
    for fault in case.faults:
        message = code.message.format(detail=fault)
        book.add("Issues", (*place, case.id, None, code.severity, code.code, None, message, code.hint))
