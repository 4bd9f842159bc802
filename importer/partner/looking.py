"""What the API knows of each wish's case, in as few requests as it allows.

First the wanted references, a hundred at a time: whoever has its reference already costs a hundredth of a request. Then
the cases that are left: by id a hundred at a time, by Debitura's reference one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from importer.partner.wish import Known, batches, chunks, is_asked_alone, singles
from importer.protocol import Answer, Found, Listed, read_list, survives_path
from importer.protocol.partner import read_cases_by_reference, read_partner_case
from importer.talk import for_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.partner.wish import Wish
    from importer.protocol import Denied, KnownCase, Reply, Throttled, Unanswered
    from importer.talk import Talk

BY_REFERENCE: Final = "/cases/by-partner-reference"
PAGE_SIZE: Final = 100  # the most that the API gives
BAD_REQUEST: Final = 400


async def look(talk: Talk, wishes: Sequence[Wish], ceiling: int) -> dict[int, Known]:
    """Return row → what the API knows of its case.

    Raises:
        Stopped: The API cannot be asked to the end.
    """
    holders = await find_holders(talk, [wish.wanted for wish in wishes], ceiling)
    known: dict[int, Known] = {}
    left = []
    for wish in wishes:
        holder = holders.get(wish.wanted)
        if holder and wish.names(holder):
            known[wish.row] = Known(holder, held=True)
        else:
            left.append(wish)
    by_id = await _find_by_id(talk, [wish.case_id for wish in left if wish.case_id], ceiling)
    named = [wish.reference for wish in left if not wish.case_id]
    by_reference = await _find_by_reference(talk, named, ceiling)
    for wish in left:
        case = by_id[wish.case_id] if wish.case_id else by_reference.get(wish.reference)
        known[wish.row] = Known(case, other=wish.wanted in holders)
    return known


async def find_holders(talk: Talk, references: Sequence[str], ceiling: int) -> dict[str, KnownCase]:
    """Return partner reference → the case that the API names for it; of several it names one."""
    found: dict[str, KnownCase] = {}

    async def ask_many(batch: Sequence[str]) -> None:
        query = {"references": ",".join(batch)}
        found.update(await talk.ask("by-reference", BY_REFERENCE, query, read_cases_by_reference))

    async def ask_one(reference: str) -> None:
        if case := await find_holder(talk, reference):
            found[reference] = case

    await for_each(list(batches(references)), ask_many, ceiling)
    await for_each(singles(references), ask_one, ceiling)
    return found


async def find_holder(talk: Talk, reference: str) -> KnownCase | None:
    """Return the case that the API names for a partner reference."""
    if "," not in reference:
        query = {"references": reference}
        return (await talk.ask("by-reference", BY_REFERENCE, query, read_cases_by_reference)).get(reference)
    if not is_asked_alone(reference):
        return None
    return await _find_one(talk, "by-reference", f"{BY_REFERENCE}/{quote(reference, safe='')}")


async def _find_by_id(talk: Talk, ids: Sequence[str], ceiling: int) -> dict[str, KnownCase | None]:
    found: dict[str, KnownCase | None] = {}

    async def ask_many(chunk: Sequence[str]) -> None:
        query: dict[str, str | int] = {
            "Ids": ",".join(chunk),
            "Page": 1,
            "PageSize": PAGE_SIZE,
            "includeTestCases": "true",
        }
        listed = await talk.ask("list", "/cases", query, _read_page)
        found.update((case.id.lower(), case) for case in listed)

    async def ask_one(id_: str) -> None:
        found[id_] = await find_case(talk, id_)

    await for_each(list(chunks(ids, PAGE_SIZE)), ask_many, ceiling)
    # The list leaves out what it does not know, or how it was asked: each of these has to be asked about by itself.
    await for_each([id_ for id_ in dict.fromkeys(ids) if id_ not in found], ask_one, ceiling)
    return found


async def find_case(talk: Talk, case_id: str) -> KnownCase | None:
    """Return the case with that id; None where the API knows none."""
    return await _find_one(talk, "case", f"/cases/{case_id}")


async def _find_by_reference(talk: Talk, references: Sequence[str], ceiling: int) -> dict[str, KnownCase | None]:
    found: dict[str, KnownCase | None] = {}

    async def ask_one(reference: str) -> None:
        if survives_path(reference):  # no other is one of Debitura's
            found[reference] = await _find_one(talk, "case", f"/cases/case-reference/{quote(reference, safe='')}")

    await for_each(list(dict.fromkeys(references)), ask_one, ceiling)
    return found


async def _find_one(talk: Talk, kind: str, path: str) -> KnownCase | None:
    answer = await talk.ask(kind, path, None, read_partner_case)
    return answer.case if isinstance(answer, Found) else None


def _read_page(reply: Reply) -> Sequence[KnownCase] | Throttled | Denied | Unanswered:
    if isinstance(reply, Answer) and reply.status == BAD_REQUEST:
        return ()
    meaning = read_list(reply, 1)
    return meaning.cases if isinstance(meaning, Listed) else meaning
