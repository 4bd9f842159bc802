"""Makes cases: one `POST /cases` from its bytes to its answer, exactly once for each idempotency key."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

from importer.sandbox.accounts import POWER, find_obstacles, tell_signing_url
from importer.sandbox.answers import Answer, BusinessError, answer, refuse, refuse_business, refuse_fields, tell_problem
from importer.sandbox.documents import describe_account, describe_case
from importer.sandbox.lines import add_up, judge
from importer.sandbox.lists import find_country
from importer.sandbox.mishaps import CRASH
from importer.sandbox.rules import MEMBERS, find_misfits, read_text
from importer.sandbox.store import StoredCase

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date

    from importer.sandbox.accounts import Caller, Obstacles
    from importer.sandbox.outbox import Outbox
    from importer.sandbox.rules import Messages
    from importer.sandbox.store import Ledger

LONGEST_KEY = 255  # characters of an idempotency key
STRANGER = "nobody@"
NO_DIVISION = "00000000-"


class Creation:
    """Makes cases in one ledger, one call at a time; what differs between the APIs has methods of its own.

    Attributes:
        members: Of a request, and of what type each is.
        api, born: Whose webhooks are told of a new case, and by which event.
    """

    members: Mapping[str, str] = MEMBERS
    api = "customer"
    born = "case.created"

    def __init__(self, ledger: Ledger, clock: Callable[[], float], outbox: Outbox) -> None:
        self._ledger = ledger
        self._clock = clock
        self._outbox = outbox

    def create(self, caller: Caller, body: bytes, key: str | None, fate: Collection[str] = ()) -> Answer:
        """Make the case that *body* asks for, or say why not; *fate* names the faults that befall the request.

        An answer is stored for *key* unless it is a 400, and given again to the same bytes.

        Source: https://docs.debitura.com/developer-concepts/idempotency
        """
        digest = hashlib.sha256(body).digest()
        with self._ledger.transaction():
            stored = self._ledger.recall(caller.account, key) if key else None
            if stored and stored[0] != digest:
                message = "The Idempotency-Key was already used with a different request body."
                return refuse_business([BusinessError("IdempotencyConflict", message)])
            if stored:
                return Answer(stored[1], stored[2])
            result = self._fail(caller, fate) or self._decide(caller, body, fate)
            if key and result.status != 400:  # noqa: PLR2004 - may be mended and sent again under the same key
                self._ledger.remember(caller.account, key, digest, result.status, result.body)
            return result

    def _fail(self, caller: Caller, fate: Collection[str]) -> Answer | None:
        if "fail-500-stored" in fate:
            return CRASH
        if "refuse-422" in fate:
            return refuse_business([POWER], tell_signing_url(self._ledger.name_account(caller.account)))
        return None

    def _decide(self, caller: Caller, body: bytes, fate: Collection[str]) -> Answer:
        request = read_body(body, self.members)
        if isinstance(request, Answer):
            return request
        now = datetime.fromtimestamp(self._clock(), UTC)
        if faults := self.judge(request, now.date()):
            return refuse_fields(faults)
        if stranger := find_strangers(request):
            return stranger
        obstacles = self.find_obstacles(caller, request)
        signing_url = tell_signing_url(self._ledger.name_account(caller.account)) if obstacles.unsigned else None
        if errors := obstacles.left(allow_pending=request.get("allowPendingContracts") is True):
            return refuse_business(errors, signing_url)
        solution = (obstacles.unsigned[0].solution_url if obstacles.unsigned else None, signing_url)
        return self.find_duplicate(caller, request, fate) or self._make(
            caller, self.add_up(request, now.date()), body, now, solution
        )

    def judge(self, request: dict[str, object], today: date) -> Messages:
        """Return every reason why a request is refused: member → messages."""
        return judge(request, today)

    def add_up(self, request: Mapping[str, object], today: date) -> dict[str, object]:
        """Return *request* with the amounts and ages that its claim lines make."""
        return add_up(request, today)

    def find_obstacles(self, caller: Caller, request: Mapping[str, object]) -> Obstacles:
        """Return what keeps *caller* from the case."""
        return find_obstacles(caller, debtor_country(request))

    def find_duplicate(self, caller: Caller, request: Mapping[str, object], fate: Collection[str]) -> Answer | None:
        """Refuse a reference that the account has a case of already."""
        reference = read_text(request.get("creditorReference"))
        known = reference.strip() and self._ledger.find(caller.account, "creditor_reference", reference)
        return refuse_duplicate(reference, fate) if known and "duplicates-allowed" not in fate else None

    def describe_creditor(self, caller: Caller, request: Mapping[str, object]) -> Mapping[str, object]:  # noqa: ARG002 - other APIs' requests name one
        """Return the profile of the creditor whose case it becomes."""
        return describe_account(caller.account, self._ledger.name_account(caller.account))

    def _make(
        self,
        caller: Caller,
        request: dict[str, object],
        body: bytes,
        now: datetime,
        solution: tuple[str | None, str | None],
    ) -> Answer:
        case = describe_case(
            request,
            case_id=str(uuid4()),
            reference=self._ledger.next_reference(),
            created=now.replace(tzinfo=None).isoformat(timespec="microseconds"),
            account=self.describe_creditor(caller, request),
            solution=solution,
        )
        reference = case["creditorReference"]
        result = answer(case)
        self._ledger.add(
            StoredCase(
                account=caller.account,
                id=str(case["id"]),
                reference=str(case["reference"]),
                creditor_reference=str(reference) if reference else None,
                amount=f"{case['grossAmount']:f}",
                currency=str(case["currency"]),
                is_test=case["isTestCase"] is True,
                lifecycle=str(case["lifecycle"]),
                date=str(case["date"]),
                due_date=str(case["dueDate"]),
                division=str(case["creditorDivisionId"]).lower() if case["creditorDivisionId"] else None,
                created=str(case["dateCreated"]),
                body=body,
                document=result.body,
            )
        )
        self._outbox.put(self.api, caller.account, self.born, case, {"lifecycle": case["lifecycle"]})
        return result


def refuse_duplicate(reference: str, fate: Collection[str] = ()) -> Answer:
    """Refuse a reference that exists; the API does not publish in which form, so that *fate* may choose another."""
    message = f"A case with creditor reference '{reference}' already exists."
    for form, refusal in (
        ("duplicate-fields", refuse_fields({"CreditorReference": [message]})),
        ("duplicate-field", refuse_fields({"creditorReference": [message]})),
        ("duplicate-409", refuse(409, "DuplicateReference", message)),
        ("duplicate-422", refuse_business([BusinessError("DuplicateCreditorReference", message)])),
        ("duplicate-problem", tell_problem(400, errors={"CreditorReference": [message]})),
    ):
        if form in fate:
            return refusal
    return refuse(400, "DuplicateReference", message)


def find_strangers(request: Mapping[str, object]) -> Answer | None:
    """Refuse a colleague or a division that the account has not: all but those of certain names are its own."""
    email, division = read_text(request.get("assignedUserEmail")), read_text(request.get("creditorDivisionId"))
    if email.lower().startswith(STRANGER):
        return refuse(400, "InvalidUserEmail", f"{email} is no active member of the team.")
    if division.startswith(NO_DIVISION):
        return refuse_fields({"creditorDivisionId": [f"Division {division} not found"]})
    return None


def debtor_country(request: Mapping[str, object]) -> str:
    """Return the alpha-2 code of the debtor's country; blank where there is none."""
    debtor = request["debtor"] if isinstance(request["debtor"], dict) else {}
    return find_country(read_text(debtor.get("countryAlpha2")), read_text(debtor.get("country"))) or ""


def read_body(body: bytes, members: Mapping[str, str] = MEMBERS) -> dict[str, object] | Answer:
    """Read a request, numbers exactly; answer 400 where it is no JSON object or a member is of the wrong type."""
    try:
        document = json.loads(body.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError):
        return tell_problem(400, errors={"$": ["The input is not valid JSON."]})
    if not isinstance(document, dict):
        return tell_problem(400, errors={"$": ["The JSON value could not be converted to a request."]})
    if misfits := find_misfits(document, members):
        return tell_problem(400, errors={f"$.{member}": messages for member, messages in misfits.items()})
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
