"""--preview: what the API would say of what is not sent yet, asked once for all cases that are alike.

The fee depends on the age and size of a claim too; each group's largest is asked about, since most money hangs on it.

Source: https://docs.debitura.com/openapi/customer-api.json (`POST /cases/preview`)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

import schemas
from importer.errors import SettingsError
from importer.model import ISSUE_COLUMNS, PreviewGroup
from importer.protocol.preview import ask_preview
from schemas import CLIENT
from schemas.claim import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importer.model import Preview
    from importer.pipeline.job import Job, Judged

TEXT: Final = pd.ArrowDtype(pa.string())
ALIKE: Final = ("client", "country", "state", "type", "currency")

_ISSUES: Final = {"would be refused": "would-be-refused", "contract missing": "contract-missing"}
_ORDER: Final = ("would be refused", "contract missing", "not known", "would be taken")


@dataclass(frozen=True, slots=True)
class Question:
    """One group, what to ask of it, and the keys of its rows."""

    group: PreviewGroup
    body: bytes
    rows: pd.Index


def require_preview(name: str) -> None:
    """Refuse the target called *name* where its cases cannot be previewed.

    Raises:
        SettingsError: They cannot.
    """
    if not schemas.load(name).PREVIEW:
        raise SettingsError(f"--preview is not for {name}: its API publishes no preview. Leave it out.")


def put_questions(judged: Judged, job: Job, rows: pd.Index) -> list[Question]:
    """Group what would be sent of *rows*, all of them valid; the question is about the largest case of each group."""
    if not len(rows):
        return []
    frame = _describe_rows(judged, rows)
    frame["group"] = frame.groupby(list(ALIKE), sort=False, dropna=False).ngroup()
    leading = frame[frame["leads"]]
    largest = leading.loc[leading["amount"].sort_values(ascending=False, kind="stable").index].drop_duplicates("group")
    requests = _write_requests(judged, job, largest.index)
    sums = _add_up(leading)
    questions = []
    for number, members in frame.groupby("group", sort=False):
        row = int(largest.index[largest["group"] == number][0])
        told = dict(frame.loc[row, list(ALIKE)].fillna("").items())
        body, age = ask_preview(requests[row])
        amount, cases = sums[int(str(number))]
        group = PreviewGroup(
            client=told["client"],
            country=told["country"],
            state=told["state"],
            debtor_type=told["type"],
            currency=told["currency"],
            rows=len(members),
            cases=cases,
            amount=amount,
            asked=Decimal(str(frame.loc[row, "amount"])),
            age=age,
        )
        questions.append(Question(group, body, members.index))
    return questions


def _describe_rows(judged: Judged, rows: pd.Index) -> pd.DataFrame:
    """Say of each row what decides its group; the rows of a bundle are in the group of the case that they make."""
    values = judged.values.loc[rows]
    sent = normalise(values, judged.target.FIELDS)
    country = sent["debtor.countryAlpha2"]
    frame = pd.DataFrame(
        {
            "client": values[CLIENT] if judged.has_clients else "",
            "country": country,
            "state": sent["debtor.stateAlpha2"].where(country == "US"),
            "type": sent["debtor.type"],
            "currency": sent["currencyCode"],
            "amount": values["amountToRecover"],
            "leads": True,
        },
        index=rows,
    )
    bundles = [bundle for bundle in judged.bundles if bundle.rows[0] in frame.index]
    leaders = [bundle.rows[0] for bundle in bundles for _ in bundle.rows[1:]]
    others = [row for bundle in bundles for row in bundle.rows[1:]]
    if bundles:
        frame.loc[others, list(ALIKE)] = frame.loc[leaders, list(ALIKE)].to_numpy()
        frame.loc[others, "leads"] = False
        sums = {bundle.rows[0]: bundle.amount for bundle in bundles}
        amounts = pd.Series(sums, dtype=frame["amount"].dtype).reindex(frame.index)
        frame["amount"] = amounts.fillna(frame["amount"])
    return frame


def _write_requests(judged: Judged, job: Job, rows: pd.Index) -> dict[int, Mapping[str, object]]:
    """Write what would be sent for each of *rows*, the first of its bundle where there is one."""
    payloads = judged.target.payload(
        judged.values.loc[rows], test=bool(job.test), allow_pending_contracts=job.allow_pending_contracts
    )
    requests: dict[int, Mapping[str, object]] = dict(zip(rows.tolist(), payloads, strict=True))
    return requests | {bundle.rows[0]: bundle.request for bundle in judged.bundles if bundle.rows[0] in requests}


def _add_up(leading: pd.DataFrame) -> dict[int, tuple[Decimal, int]]:
    """Add up each group's amounts, exactly, and count its cases."""
    # Wider than an amount is, since a sum that does not fit would wrap around in silence.
    amounts = pc.cast(pa.array(leading["amount"], pa.decimal128(38, 18)), pa.decimal256(76, 18))
    table = pa.table({"group": pa.array(leading["group"]), "amount": amounts})
    lines = table.group_by("group").aggregate([("amount", "sum"), ("amount", "count")]).to_pylist()
    return {line["group"]: (line["amount_sum"], line["amount_count"]) for line in lines}


def sort_by_stake(preview: Preview) -> Preview:
    """Put first what would be refused, and of that what most money hangs on; amounts of currencies are no one scale."""
    groups = sorted(preview.groups, key=lambda group: (_ORDER.index(group.verdict), -group.amount))
    return replace(preview, groups=tuple(groups))


def foretell(questions: Sequence[Question], preview: Preview) -> pd.DataFrame:
    """Say of each row that would not be taken why, and where that is settled: "message" and "solution", by row key."""
    told = [
        pd.DataFrame(
            {
                "message": f"{group.verdict.capitalize()}: {_say(group)}",
                "solution": next((link for _, link in group.reasons() if link), None),
            },
            index=question.rows,
            dtype=TEXT,
        )
        for question, group in zip(questions, preview.groups, strict=True)
        if group.verdict in _ISSUES
    ]
    return pd.concat(told) if told else pd.DataFrame({"message": [], "solution": []}, dtype=TEXT)


def _say(group: PreviewGroup) -> str:
    return " ".join(dict.fromkeys(_close(text) for text, _ in group.reasons()))


def warn(judged: Judged, questions: Sequence[Question], preview: Preview) -> Judged:
    """Add a warning to each row that would not be taken; *preview* has its groups in the order of *questions*."""
    told = [
        _tell_rows(judged, question.rows, group)
        for question, group in zip(questions, preview.groups, strict=True)
        if group.verdict in _ISSUES
    ]
    if not told:
        return judged
    parts = [judged.issues, *told] if len(judged.issues) else told
    issues = pd.concat(parts, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
    return replace(judged, issues=issues)


def _tell_rows(judged: Judged, rows: pd.Index, group: PreviewGroup) -> pd.DataFrame:
    code = judged.target.CODES[_ISSUES[group.verdict]]
    links = " and ".join(dict.fromkeys(link for _, link in group.reasons() if link))
    named = next((name for name in ("debtor.countryAlpha2", "debtor.country") if name in judged.headers), "")
    values = judged.values.loc[rows]
    column = judged.headers.get(named, "debtor.countryAlpha2")
    filled = {"column": column, "value": f"“{group.country}”"}
    frame = pd.DataFrame(
        {
            "row": rows,
            "column": column,
            "field": "debtor.countryAlpha2",
            "severity": code.severity,
            "code": code.code,
            "value": (values[named] if named else values["debtor.countryAlpha2"]).fillna("").array,
            "message": code.message.format(**filled, detail=_say(group)),
            "hint": code.hint.format(**filled, detail=f" at {links}" if links else ""),
        }
    )
    return frame[list(ISSUE_COLUMNS)].astype({name: "int64" if name == "row" else TEXT for name in ISSUE_COLUMNS})


def _close(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def to_send(judged: Judged, made: Mapping[int, object]) -> pd.Index:
    """Name the rows that a submit would send: those without an error that no earlier run *made*."""
    index = judged.values.index
    return index[~index.isin(judged.faulty) & ~index.isin(list(made))]
