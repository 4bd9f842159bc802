"""One case on its way: what each answer does to it, decided without any I/O."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final, Self

from importer import messages
from importer.protocol import (
    CREATED_TOLERANCE,
    Absent,
    Doubt,
    Expired,
    Found,
    Made,
    Refused,
    Taken,
    Throttled,
    Unanswered,
    differences,
    is_same_claim,
    survives_path,
)
from importer.submit.decision import AT_ONCE, Decision, Follower, Patience, created, rejected

if TYPE_CHECKING:
    from collections.abc import Collection

    from importer.model import Case, Entry
    from importer.protocol import AskMeaning, KnownCase, Listed, PostMeaning

ATTEMPTS: Final = 5  # of one case by one process
ATTEMPTS_UNPROTECTED: Final = 2  # of a case that no reference protects: sent once more
LONGEST_BACKOFF: Final = 30.0  # seconds between two look-ups that were not answered


@dataclass(slots=True)
class Sending:
    """One case of the journal while it is being sent.

    Attributes:
        pk: Its number in the journal.
        case: What is sent.
        test: Whether it is a test case.
        patience: How long to wait for what.
        earlier: It belongs to an earlier run, and is only to be settled.
        followers: The cases that wait for this one to be settled.
        parts: Numbers of the other rows whose case it is, too: what becomes of it becomes of them.
        since: By the API's clock, before the first attempt; seconds since the epoch.
        attempts: Requests that were to make it.
        doubts: Those of which nothing is known.
        doubted_at: When the last of these ended.
        by_server: All of these were 5xx answers.
        same_credential: The API key is the one of the first attempt.
        page: Of the list of cases that is read next.
        asked_at: When the look-up under way began: what was made since, it may not show.
        candidate: The oldest case of the pages before it that could be this one.
        answered: The answer that waits for a look-up to confirm it.
        cleared: A look-up has just shown that there is no such case: it may be sent.
        tries: Attempts by this process.
        failures: Of these, those at the end that were 5xx answers.
        unanswered: Look-ups in a row that were not answered.
        unanswered_since: When the first of these ended.
        expired: Its last request was refused for its token.
    """

    pk: int
    case: Case
    test: bool
    patience: Patience
    earlier: bool = False
    followers: tuple[Follower, ...] = ()
    parts: tuple[int, ...] = ()
    since: float | None = None
    attempts: int = 0
    doubts: int = 0
    doubted_at: float = 0.0
    by_server: bool = True
    same_credential: bool = True
    page: int = 1
    asked_at: float = inf
    candidate: KnownCase | None = None
    answered: Refused | Taken | None = None
    cleared: bool = False
    tries: int = 0
    failures: int = 0
    unanswered: int = 0
    unanswered_since: float = 0.0
    expired: bool = False

    @classmethod
    def found(
        cls,
        entry: Entry,
        now: float,
        *,
        test: bool,
        patience: Patience,
        credential: str,
        followers: tuple[Follower, ...] = (),
        parts: tuple[int, ...] = (),
    ) -> Self:
        """Take up a case where the journal left it; one that was `sending` is in doubt."""
        sending = cls(entry.pk, entry.case, test, patience, earlier=bool(followers), followers=followers, parts=parts)
        if entry.status == "sending":
            sending.since, sending.attempts = entry.since, entry.attempts
            sending.doubts, sending.doubted_at = entry.doubts, entry.doubted_at or 0.0
            sending.by_server = entry.by_server
            sending.same_credential = entry.credential == credential
            if (entry.attempted_at or 0.0) >= sending.doubted_at:
                # Its process died with the request in flight; it cannot have run for longer than the patience with it.
                sending.doubts += 1
                sending.by_server = False
                sending.doubted_at = min(now, (entry.attempted_at or now) + patience.timeout)
        return sending

    @property
    def asks(self) -> bool:
        """Tell whether the next request is a question, not a case."""
        return not self.cleared and (self.doubts > 0 or self.answered is not None)

    @property
    def likeness(self) -> tuple[object, ...]:
        """What a case that no reference protects is recognised by: two of the same could be taken for each other."""
        case = self.case
        reference = case.reference if case.has_reference else ""
        return (case.creditor, reference, case.debtor, case.date, case.amount, case.currency)

    @property
    def asks_by_list(self) -> bool:
        """Tell whether only the list of cases can answer the question."""
        return not (self.case.guarded and survives_path(self.case.reference))

    def leave(self, api_time: float) -> None:
        """Note that an attempt leaves, and the API's time before the first one."""
        self.cleared = False
        self.attempts += 1
        self.tries += 1
        if self.since is None:
            self.since = api_time

    def ask(self, now: float) -> None:
        """Note that a question leaves; a list is as old as its first page."""
        if self.page == 1:
            self.asked_at = now

    def on_post(self, meaning: PostMeaning | Expired, now: float) -> Decision:
        """Decide after an attempt."""
        match meaning:
            case Made(case):
                return created(case)
            case Refused() if not self.doubts:
                return rejected(meaning)
            case Refused() | Taken():
                if self.doubts and isinstance(meaning, Taken):
                    # It may be ours, made late: what is asked may not show it yet, and a blank id would be for ever.
                    self.doubted_at = now
                self.answered = meaning
                self.page = 1
                return AT_ONCE
            case Doubt(reason, by_server):
                self.doubts += 1
                self.doubted_at = now
                self.by_server = self.by_server and by_server
                self.failures = self.failures + 1 if by_server else 0
                self.page = 1
                noted: dict[str, object] = {
                    "doubts": self.doubts,
                    "doubted_at": now,
                    "by_server": self.by_server,
                    "error": messages.LOST.error,
                    "message": messages.LOST.say(reason=reason),
                }
                # Without a reference, a case of another row that is still in flight could be taken for this one.
                return Decision(values=noted, due=None if self.case.has_reference else now + self.patience.settle_after)
            case _:  # never processed: throttled, denied, its token expired, never left
                self.attempts -= 1
                self.tries -= 1
                noted = {"attempts": self.attempts}
                if self.doubts:
                    return Decision(values=noted)
                self.since = None  # the first attempt is still to come, and no case made before it is ours
                return Decision(values={**noted, "status": "planned", "since": None, "sent_at": None})

    def on_ask(self, meaning: AskMeaning | Expired, now: float) -> Decision:
        """Decide after a look-up."""
        match meaning:
            case Found(case):
                return self._whose(case)
            case Absent():
                return self._absent(now)
            case Unanswered(reason):
                return self._unanswered(reason, now)
            case Throttled() | Expired():
                return AT_ONCE
            case _:  # denied: the run stops
                return Decision(given_up=True)

    def on_list(self, listed: Listed, owned: Collection[str], now: float) -> Decision:
        """Decide after a page of the account's cases, newest first; *owned* are those that other rows have made."""
        began = (self.since or 0.0) - CREATED_TOLERANCE
        if self.page == 1:
            self.candidate = None
        over = listed.last
        for case in listed.cases:
            if case.created and case.created.timestamp() < began:
                over = True
                break
            if self._matches(case) and case.id not in owned:
                if self.case.guarded and not self._differences(case):
                    return self._whose(case)
                # The oldest: a newer one may be of a row that was sent later, and could be taken for this one.
                self.candidate = case
        if not over:
            self.page += 1
            return AT_ONCE
        self.page = 1
        return self.on_ask(Found(self.candidate) if self.candidate else Absent(), now)

    def _matches(self, case: KnownCase) -> bool:
        if self.case.guarded:
            return case.creditor_reference == self.case.reference
        return is_same_claim(self.case, case) and not self._differences(case)

    def _differences(self, case: KnownCase) -> list[str]:
        return differences(self.case, case, test=self.test, since=self.since or 0.0)

    def _whose(self, case: KnownCase) -> Decision:
        said = self._differences(case)
        if not said:
            return created(case)
        return Decision(
            "duplicate",
            {
                "case_id": case.id,
                "case_reference": case.reference,
                "lifecycle": case.lifecycle,
                "error": messages.TAKEN.error,
                "message": messages.TAKEN.say(differences="; ".join(said)),
            },
        )

    def _absent(self, now: float) -> Decision:
        self.page = 1
        self.unanswered = 0
        settled_at = self.doubted_at + self.patience.settle_after
        if self.doubts and min(now, self.asked_at) < settled_at:
            return Decision(due=settled_at)
        match self.answered:
            case Taken(message):
                return Decision(
                    "duplicate",
                    {
                        "error": messages.HIDDEN.error,
                        "message": messages.HIDDEN.say(said=message.rstrip(".") or messages.UNEXPLAINED.say()),
                    },
                )
            case Refused() as refusal:
                return rejected(refusal)
        spent = self._spent()
        # What is kept for the key is given again for ever; what was lost before so many answers is under way no more.
        failed = self.by_server or self.failures >= ATTEMPTS
        if failed and (spent or self.earlier):
            return Decision("rejected", {"error": messages.FAILED.error, "message": messages.FAILED.say()})
        if spent or not (self.case.guarded or self.same_credential):
            return Decision(given_up=True)
        self.cleared = True
        return AT_ONCE

    def _spent(self) -> bool:
        """Tell whether this process has sent the case as often as it may."""
        if self.case.guarded or (
            self.case.has_reference and self.failures
        ):  # a 5xx answer is one: nothing is under way
            return self.tries >= ATTEMPTS
        if self.case.has_reference:  # told from all others in the list: whoever resumes may send it once more, too
            return self.attempts >= ATTEMPTS_UNPROTECTED and self.tries > 0
        return self.attempts >= ATTEMPTS_UNPROTECTED

    def _unanswered(self, reason: str, now: float) -> Decision:
        if not self.unanswered:
            self.unanswered_since = now
        self.unanswered += 1
        if now - self.unanswered_since >= self.patience.settle_after:
            noted = {"error": messages.UNASKED.error, "message": messages.UNASKED.say(reason=reason)}
            return Decision(values=noted, given_up=True)
        return Decision(due=now + min(LONGEST_BACKOFF, 2.0**self.unanswered / 2))
