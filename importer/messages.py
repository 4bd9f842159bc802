"""What a report says of what became of a row, in one place; what is wrong with cells is in `schemas.codes`.

`docs/messages.md` lists them, with the sentences that stop a command; `tests/messages.py` writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that is said of a row.

    Attributes:
        when: What befell the row, for the catalogue.
        text: A sentence or two, with the remedy where there is one; words in braces are filled in. A part of a
            sentence has no full stop.
        error: The row's code in the column `Error`; blank for none, or where the API's own stands there.
    """

    when: str
    text: str
    error: str = ""

    def say(self, **values: object) -> str:
        """Fill in the words in braces, all of which are given."""
        return self.text.format(**values)


# Unknown
LOST: Final = Saying(
    "a request left, and its answer does not tell whether the case was made",
    "It may have been made: {reason}. `importer resume` asks the API and settles it.",
    "NoAnswer",
)
UNASKED: Final = Saying(
    "a request left without a telling answer, and the API did not answer the question either",
    "It may have been made, and the API could not be asked: {reason}. `importer resume` asks again and settles it.",
    "NoAnswer",
)
UNSETTLED: Final = Saying(
    "the run ended while the answer was awaited",
    "It may have been made; the answer is not known yet. `importer resume` asks the API and settles it.",
)

# Duplicates
TAKEN: Final = Saying(
    "a case with this reference exists, and it cannot be the one that was sent",
    "A case with this reference exists that this importer did not make: {differences}. Compare it with the row; if it "
    "is another invoice, give the row a reference of its own and submit it again.",
    "DuplicateReference",
)
HIDDEN: Final = Saying(
    "the API says that the reference is taken, and shows no such case",
    "The API says that a case with this reference exists, and shows none ({said}). Look for it in the portal; if "
    "there is none, give the row another reference and submit it again.",
    "DuplicateReference",
)
PART_OF_DUPLICATE: Final = Saying(
    "its bundle was to be one case, and the bundle's reference is taken",
    "Not sent: it was to be a part of the case {reference}, and this importer did not make the case that exists. "
    "Look whether that one has this invoice; if not, {remedy}.",
)
SUBMIT_WITHOUT: Final = Saying("the remedy, where the API shows that case", "submit again without {reference}")
BY_PORTAL: Final = Saying("the remedy, where it shows none", "enter it in the portal")
IS_TEST: Final = Saying("a difference", "it is a test case")
IS_LIVE: Final = Saying("a difference", "it is a live case")
CREATED_BEFORE: Final = Saying("a difference", "it was created before this row was sent ({when})")
OTHER_AMOUNT: Final = Saying("a difference", "its amount differs")
OTHER_CURRENCY: Final = Saying("a difference", "its currency is {currency}")
OTHER_REFERENCE: Final = Saying("a difference", "its reference is {reference}")
OTHER_CREDITOR: Final = Saying("a difference", "its creditor is {creditor}")

# Rejected
FAILED: Final = Saying(
    "the API answered each attempt with an error of its own, and a look-up shows no case",
    "The API failed each time, and has made no case. Submit the row again later.",
    "ServerError",
)
BUNDLE_CHANGED: Final = Saying(
    "another run made a part of its bundle meanwhile",
    "Another run has taken a part of its bundle since, so that it was not sent. Submit the row again: what is left is "
    "bundled anew.",
    "BundleChanged",
)

# Already imported
CHANGED_SINCE: Final = Saying(
    "an earlier run made the case, from a row with other content",
    "It was imported with another content; nothing was sent. Different now: {fields}. If the case is to change, change "
    "it in the portal.",
)
WOULD_CHANGE: Final = Saying(
    "the same, and it is only checked",
    "It was imported with another content; nothing would be sent. Different now: {fields}. If the case is to change, "
    "change it in the portal.",
)
FOUND: Final = Saying(
    "the journal was lost, and has the case from the API", "It was found at the API by `importer journal rebuild`."
)
INCOMPLETE: Final = Saying(
    "the same, and the case is a bundle whose comments do not name all of it",
    "It was found at the API by `importer journal rebuild`. Which further invoices it is made of its comments do not "
    "tell: compare it in the portal before you submit these again.",
)

# Not sent
BEHIND: Final = Saying(
    "it looks the same as a row that is unknown, and waits for that one",
    "A row that could be taken for this one is unknown. `importer resume` settles that one first, then sends this one.",
)
NOT_ALL: Final = Saying(
    "--all-or-nothing, and another row has an error",
    "Nothing was sent, since another row has an error. Mend the source and submit it again.",
)
BEYOND_LIMIT: Final = Saying(
    "--limit, and others came first", "--limit {limit} came before its turn. `importer resume` sends it."
)
OF_CLIENT: Final = Saying("nothing is sent for its client; why follows", "Client {client}: {reason}")
GROUP_STOPPED: Final = Saying(
    "three rows of its country and currency were refused for a reason that holds for all of them",
    "No more rows for {country} in {currency} are sent. {said} `importer resume` sends them once that is settled.",
)
CUT_SHORT: Final = Saying(
    "its run was killed before it could say why", "The run was cut short. `importer resume` goes on."
)
FORGOTTEN: Final = Saying("`importer forget` erased it", "Forgotten on request.")

# Valid, and known from an earlier run
IN_DOUBT: Final = Saying(
    "a check finds that an earlier run sent it, and has no answer",
    "Run {run} has sent it, and the answer was lost. `importer resume {run}` settles it.",
)
LEFT_UNSENT: Final = Saying(
    "a check finds that an earlier run did not come to it",
    "Run {run} has left it unsent. `importer resume {run}` sends it, as a new submit does.",
)
TRIED_AGAIN: Final = Saying(
    "a check finds that the API refused it",
    "The API refused it in run {run}. A submit tries it again: mend first what was said then{error}.",
)
ELSEWHERE: Final = Saying(
    "a check finds that the API had its reference from elsewhere",
    "The API said in run {run} that a case with this reference was made elsewhere. Compare that one with the row.",
)

# Partner references
BLANK: Final = Saying(
    "the cell is blank", "The cell is blank, so nothing was wanted; --clear-blank clears what is stored."
)
NO_SUCH_CASE: Final = Saying(
    "the API knows no such case",
    "The API knows no such case of yours. Compare it with Cases Received in the portal; cases that Debitura has not "
    "verified yet are not shown.",
)
TWO_CASES: Final = Saying(
    "case id and Debitura reference contradict each other",
    "The case id is that of {reference}, the Debitura reference is another case's; nothing was sent. "
    "Correct one of them.",
)
BY_HAND: Final = Saying(
    "the API offers no way",
    "By hand: Cases Received, case {reference}, the pencil beside Partner reference, {what} ({portal}).",
)
PERHAPS_STORED: Final = Saying(
    "by hand, and the API names another case under this reference",
    "The API names one case a reference, and another one for this: it may be stored already.",
)
OR_START: Final = Saying(
    "by hand, and the case waits to be started", "Or start the case with --activate, which sets it too."
)
STORED_AFTER_ALL: Final = Saying("the answer was lost", "The answer was lost; a look-up shows that it is stored.")
NOT_SHOWN: Final = Saying("it was set, as far as the API tells", "The API does not tell what it has stored.")
OTHERWISE: Final = Saying("it was set, and something else is stored", "{done}, but {found}. {left}")
ANSWER_LOST: Final = Saying(
    "no answer came",
    "No answer came: the case may have {what}. The same command again looks it up before anything else.",
)
STOPPED_BEFORE: Final = Saying("the command ended", "It stopped before its turn. The same command again goes on.")
LIMIT_BEFORE: Final = Saying(
    "--limit, and others came first", "--limit {limit} came before its turn. The same command again goes on."
)

# Case details
UNKNOWN_ID: Final = Saying("there is no such case", "The API knows nothing under this id.")
NO_MORE_NOW: Final = Saying(
    "the API's limits are spent", "The API allows no more requests for now (429). Ask again later."
)
ODD_BALANCE: Final = Saying("its figures contradict each other", "Its balance does not add up: see Issues.")

# Why an answer tells nothing: these end sentences above, and those that stop a command.
ANSWERED: Final = Saying("an answer that is neither yes nor no", "the API answered {status}")
FAILED_ANSWER: Final = Saying("an answer of 500 or more", "the API answered {status}, a failure of its own")
UNEXPLAINED: Final = Saying("an answer without one", "no reason is given")
SAID: Final = Saying("an answer with a sentence", "the API answered {status}: {said}")
UNREADABLE: Final = Saying(
    "an answer that is not what the API documents", "the API's answer ({status}) could not be read"
)

FAILURES: Final = 500  # and above: answers that are the API's own failures


def tell_answer(status: int, said: str = "") -> str:
    """Say why an answer that settles nothing does not: the part of a sentence.

    >>> tell_answer(502), tell_answer(400, "caseId is missing")
    ('the API answered 502, a failure of its own', 'the API answered 400: caseId is missing')
    """
    if said:
        return SAID.say(status=status, said=said.rstrip("."))
    return (FAILED_ANSWER if status >= FAILURES else ANSWERED).say(status=status)


def as_sentence(part: str) -> str:
    """Make a sentence of a part of one.

    >>> as_sentence("the API answered 502, a failure of its own"), as_sentence("")
    ('The API answered 502, a failure of its own.', '')
    """
    return f"{part[:1].upper()}{part[1:]}{'' if part[-1] in '.?!' else '.'}" if part else ""


CATALOGUE: Final = {name: saying for name, saying in list(globals().items()) if isinstance(saying, Saying)}
