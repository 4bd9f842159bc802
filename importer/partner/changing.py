"""Starts cases and changes references: one request at a time for a case, and none again before it is known to be safe.

The API has no `Idempotency-Key` here. The case itself is the guard: one that was started cannot be started again. So
what was lost is asked about, and only a case that still waits `settle_after` later is started once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from importer import messages
from importer.errors import Interrupted, Stopped
from importer.partner.looking import find_case, find_holder
from importer.partner.wish import Outcome, by_hand, is_asked_alone
from importer.protocol import Denied, Doubt, NeverLeft, Refused, Throttled
from importer.protocol.partner import NoOperation, Stored, is_waiting, read_change
from importer.submit import LAST_WAIT
from importer.talk import PAUSES, denied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from importer.errors import ImporterError
    from importer.model import Status
    from importer.partner.wish import Action, Known, Wish
    from importer.protocol import KnownCase
    from importer.talk import Talk

MOST_DOUBTS: Final = 3  # answers that may be lost before a case is left as unknown


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done to one case.

    Attributes:
        wish: Of the first row that names it.
        known: What the API said of it; its case is there.
        action: Start it, or change its reference.
    """

    wish: Wish
    known: Known
    action: Action

    @property
    def case(self) -> KnownCase:
        """The case."""
        if self.known.case is None:
            raise AssertionError("A task has a case.")
        return self.known.case


@dataclass(frozen=True, slots=True)
class Operation:
    """The operation that changes a reference: its method and its path, with `{id}` in it."""

    method: str
    path: str


class Changes:
    """Carries out tasks, several at a time.

    Attributes:
        outcomes: Row of the task's wish → what became of it; a task that was not begun is not there.
    """

    def __init__(
        self,
        talk: Talk,
        *,
        operation: Operation | None,
        settle_after: float,
        observe: Callable[[Status], None],
    ) -> None:
        self._talk = talk
        self._operation = operation
        self._settle_after = settle_after
        self._observe = observe
        self._reason: ImporterError | None = None
        self._halt = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self.outcomes: dict[int, Outcome] = {}

    def stop(self, error: Interrupted) -> None:
        """Begin nothing more; what is in flight comes to its end within `LAST_WAIT`."""
        self._end(error)
        loop = asyncio.get_running_loop()
        for worker in self._workers:
            loop.call_later(LAST_WAIT, worker.cancel)

    def _end(self, error: ImporterError) -> None:
        self._reason = self._reason or error
        self._halt.set()

    async def carry_out(self, tasks: Sequence[Task], ceiling: int) -> None:
        """Do all of *tasks*, at most *ceiling* at a time.

        Raises:
            Stopped: The key is refused, the limits are spent, or the API cannot be reached.
            Interrupted: `stop` was called.
        """
        queue = iter(tasks)

        async def labour() -> None:
            for task in queue:
                if self._halt.is_set():
                    return
                try:
                    self._note(task, await self._do(task))
                except Stopped as error:
                    self._end(error)

        self._workers = [asyncio.create_task(labour()) for _ in range(min(ceiling, len(tasks)))]
        try:
            ends = await asyncio.gather(*self._workers, return_exceptions=True)
        finally:
            for worker in self._workers:
                worker.cancel()
        for end in ends:
            if isinstance(end, Exception):
                raise end
        if self._reason:
            raise self._reason

    def _note(self, task: Task, outcome: Outcome) -> None:
        self.outcomes[task.wish.row] = outcome
        self._observe(outcome.status)

    async def _do(self, task: Task) -> Outcome:
        return await (self._start(task) if task.action == "start" else self._change(task))

    async def _start(self, task: Task) -> Outcome:
        """Start a case; an answer that was lost is asked about before anything else."""
        for attempt in range(MOST_DOUBTS):
            meaning = await self._send(task, "POST", f"/cases/{task.case.id}/start", task.wish.body)
            if isinstance(meaning, Stored):
                return await self._confirm(task, meaning.reference)
            # A refusal settles only its own attempt: it may come because an earlier one got through.
            settled = await self._look_again(task) if attempt or isinstance(meaning, Doubt) else None
            if settled:
                return settled
            if isinstance(meaning, Refused):
                return self._refused(task, meaning)
        return self._unknown(task)

    async def _look_again(self, task: Task) -> Outcome | None:
        """Ask whether a case was started; None where it waits still when no lost request can be running any more."""
        for patience in (0.0, self._settle_after):
            if not await self._rest(patience):
                return self._unknown(task)
            case = await find_case(self._talk, task.case.id)
            if case is None:
                return self._unknown(task)
            if not is_waiting(case.lifecycle):
                return await self._confirm(task, case.partner_reference, lost=True)
        return None

    async def _change(self, task: Task) -> Outcome:
        """Change a reference; to say the same twice does no harm, so that only what is stored matters."""
        if self._operation is None:
            raise AssertionError("Nothing is changed without an operation that does.")
        path = self._operation.path.replace("{id}", quote(task.case.id, safe=""))
        body = msgspec.json.encode({"collectionPartnerReference": task.wish.wanted})
        for _ in range(MOST_DOUBTS):
            meaning = await self._send(task, self._operation.method, path, body)
            match meaning:
                case Stored(reference):
                    return await self._confirm(task, reference)
                case Refused():
                    return self._refused(task, meaning)
            if await self._read_stored(task) == task.wish.wanted:
                return self._set(task, messages.STORED_AFTER_ALL.say())
        return self._unknown(task)

    async def _send(self, task: Task, method: str, path: str, body: bytes) -> Stored | Refused | Doubt:
        """Send until a request leaves and is not throttled.

        Raises:
            Stopped: The key is refused, the limits are spent, there is no such operation, or nothing can leave.
        """
        row, before = task.wish.row, self.outcomes.get(task.wish.row)

        def leaves() -> None:
            self.outcomes[row] = self._unknown(task)  # until there is an answer

        reason = ""
        for pause in PAUSES:
            if not await self._rest(pause):
                break
            meaning = read_change(await self._talk.request(task.action, path, method=method, body=body, leaves=leaves))
            if isinstance(meaning, Stored | Refused | Doubt):
                return meaning
            del self.outcomes[row]  # nothing came of it
            if before:
                self.outcomes[row] = before
            reason = self._tell_hindrance(task, meaning)
        raise Stopped(f"Nothing more can be sent: {reason}. Start again later; what is done already is left alone.")

    def _tell_hindrance(self, task: Task, meaning: NeverLeft | Throttled | Denied | NoOperation) -> str:
        """Say why nothing came of a request that may be made again.

        Raises:
            Stopped: It may not.
        """
        match meaning:
            case Denied():
                raise denied(meaning)
            case NoOperation(status) if task.action == "change" and self._operation:
                named = f"{self._operation.method} {self._operation.path}"
                raise Stopped(f"The API knows no operation {named} ({status}): mend or remove reference_path.")
            case NoOperation(status):
                raise Stopped(f"The API does not know how to start a case ({status}): is its address right?")
            case Throttled(seconds):
                self._talk.hold_back(seconds)
                return "it allows no more requests for now (429)"
            case NeverLeft(reason):
                return reason

    async def _confirm(self, task: Task, told: str | None, *, lost: bool = False) -> Outcome:
        """Compare what is stored with what was wanted; a case that was started stays so whatever comes of that."""
        stored = told if told is not None else await self._read_stored(task)
        started = task.action == "start"
        if stored == task.wish.wanted:
            return self._set(task, messages.STORED_AFTER_ALL.say() if lost else "")
        if stored is None and not lost:
            return self._set(task, messages.NOT_SHOWN.say())
        said = "The case is active" if started else "It was changed"
        left = by_hand(task.wish, task.known).message.partition(" Or start")[0]
        found = f"the API has stored “{stored}”" if stored else "the API does not show this reference for it"
        message = messages.OTHERWISE.say(done=said, found=found, left=left)
        return Outcome("by-hand", self._case_now(task), None, stored, message, started=started)

    async def _read_stored(self, task: Task) -> str | None:
        """Ask for the reference that the case has; None where that is not told."""
        wanted = task.wish.wanted
        holder = await find_holder(self._talk, wanted) if wanted else None
        if holder and holder.id == task.case.id:
            return wanted
        case = await find_case(self._talk, task.case.id)
        told = case.partner_reference if case else None
        if told is None and is_asked_alone(wanted) and not holder and not task.case.is_test:
            return ""  # no case has it, so neither has this one
        return told

    def _set(self, task: Task, message: str) -> Outcome:
        started = task.action == "start"
        return Outcome(
            "set",
            self._case_now(task),
            task.case.partner_reference,
            task.wish.wanted,
            message,
            when=self._talk.clock(),
            started=started,
        )

    def _case_now(self, task: Task) -> KnownCase:
        return replace(task.case, lifecycle="Active") if task.action == "start" else task.case

    def _refused(self, task: Task, refusal: Refused) -> Outcome:
        before = task.case.partner_reference
        return Outcome("refused", task.case, before, before, refusal.message, refusal.code)

    def _unknown(self, task: Task) -> Outcome:
        what = "been started" if task.action == "start" else "got its reference"
        message = messages.ANSWER_LOST.say(what=what)
        return Outcome("unknown", task.case, task.case.partner_reference, None, message)

    async def _rest(self, seconds: float) -> bool:
        """Wait; false where the work ends meanwhile, and there is nothing to wait for."""
        if self._halt.is_set():
            return False
        try:
            await asyncio.wait_for(self._halt.wait(), seconds) if seconds else await asyncio.sleep(0)
        except TimeoutError:
            return True
        return not self._halt.is_set()
