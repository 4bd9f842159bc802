"""Valid rows → cases: exact bodies and keys; what the journal already knows is set aside."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from importer.model import Case, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


Fate = Literal["send", "already-imported", "duplicate", "wait", "changed"]

_NOT_CONTENT: Final = frozenset({"isTest", "allowPendingContracts"})
_to_json: Final = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Planned:
    """A case, and what is to be done about it.

    Attributes:
        case: With the key that it would be sent under.
        fate: Send it; or it exists by an earlier run; or it is another's and is never sent again; or an earlier run's
            request for it has to be settled first; or it was bundled with rows that are another run's by now.
        entry: What the journal knows that decides the fate, or None.
        differing: Fields in which it differs from what an earlier run sent.
        last: What the newest run that had it has made of it, or None.
    """

    case: Case
    fate: Fate
    entry: Entry | None = None
    differing: tuple[str, ...] = ()
    last: Entry | None = None


def make_cases(
    rows: Iterable[int],
    creditors: Iterable[str],
    payloads: Iterable[dict[str, object]],
    *,
    account: str,
    target: str,
    mode: str,
    reference: str,
    guarded: bool,
    secret: bytes,
    client: str = "",
) -> Iterator[Case]:
    """Yield the case of each row: its body's bytes, and the key they are sent under the first time.

    Args:
        rows: Row keys.
        creditors: Whose claim each of *rows* is, in the same order.
        payloads: The request of each, in the same order.
        account: Part of the key: another account's case is another case.
        target: The same.
        mode: The same.
        reference: The field that identifies a case; a row without it is identified by a hash of its content, and by how
            often that content came before in the run.
        guarded: Whether the API refuses a second case under the same reference.
        secret: Of the keyed hashes.
        client: What a partner calls *account*; else blank.
    """
    occurrences: Counter[tuple[str, bytes]] = Counter()
    for row, creditor, payload in zip(rows, creditors, payloads, strict=True):
        body = _to_json(payload)
        given = str(payload.get(reference) or "")
        if given:
            identity = given
        else:
            said = {name: value for name, value in payload.items() if name not in _NOT_CONTENT}
            content = hashlib.sha256(_to_json(said)).digest()
            occurrences[creditor, content] += 1
            identity = f"~{content.hex()[:32]}#{occurrences[creditor, content]}"
        debtor = payload["debtor"]
        name, country = (debtor["name"], debtor["countryAlpha2"]) if isinstance(debtor, dict) else ("", "")
        yield Case(
            row=row,
            creditor=creditor,
            reference=identity,
            has_reference=bool(given),
            guarded=guarded and bool(given),
            n=0,
            key=_key_of(account, target, mode, creditor, identity, 0, body),
            body=body,
            amount=Decimal(str(payload["amountToRecover"])),
            currency=str(payload["currencyCode"]),
            group=f"{country} {payload['currencyCode']}",
            fingerprints=_fingerprints(payload, secret),
            debtor=str(name),
            date=date.fromisoformat(str(payload["date"])),
            client=client,
        )


def with_key(case: Case, n: int, *, account: str, target: str, mode: str) -> Case:
    """Return *case* with the key of its *n*-th run after a definite refusal; the same input gives the same key."""
    key = _key_of(account, target, mode, case.creditor, case.reference, n, case.body)
    return replace(case, n=n, key=key)


def key_of(payload: Mapping[str, object], identity: Mapping[str, str], n: int) -> str:
    """Return the key of the request *payload* under an *identity*: account, target, mode, creditor and reference."""
    return _key_of(**identity, n=n, body=_to_json(payload))


def _key_of(account: str, target: str, mode: str, creditor: str, reference: str, n: int, body: bytes) -> str:
    said = "\0".join((account, target, mode, creditor, reference, str(n)))
    return hashlib.sha256(b"%b\0%b" % (said.encode(), body)).hexdigest()


def set_aside(
    cases: Iterable[Case],
    known: Mapping[tuple[str, str], Sequence[Entry]],
    *,
    account: str,
    target: str,
    mode: str,
) -> Iterator[Planned]:
    """Decide the fate of each case by what earlier runs did under the same identity."""
    for case in cases:
        entries = known.get((case.creditor, case.reference), ())
        fate, entry = judge_past(entries)
        last = entries[-1] if entries else None
        if entry:
            yield Planned(case, fate, entry, () if fate == "duplicate" else differing(case, entry), last)
            continue
        refusals = [entry.case.n for entry in entries if entry.status in {"rejected", "duplicate"}]
        n = max(refusals) + 1 if refusals else 0
        yield Planned(with_key(case, n, account=account, target=target, mode=mode) if n else case, fate, last=last)


def judge_past(entries: Sequence[Entry]) -> tuple[Fate, Entry | None]:
    """Decide what is to be done under an identity by what earlier runs did, and say which entry decides it."""
    if made := _latest(entries, "created"):
        return "already-imported", made
    if unsettled := _latest(entries, "sending"):
        return "wait", unsettled
    taken = _latest(entries, "duplicate")
    return ("duplicate", taken) if taken and not taken.case_id else ("send", None)


def lead(case: Case, parts: Iterable[Case], request: Mapping[str, object], amount: Decimal) -> Iterator[Case]:
    """Yield *case* with the request of a whole bundle, still without its key, then the *parts*, which send nothing."""
    yield replace(case, body=_to_json(request), amount=amount, bundle=case.row)
    yield from (replace(part, body=b"", bundle=case.row) for part in parts)


def keep_together(planned: Sequence[Planned]) -> Iterator[Planned]:
    """Give up each bundle of which another run has taken a part since: what was to be sent is no longer right."""
    ways: dict[int, set[object]] = {}
    for plan in planned:
        ways.setdefault(plan.case.bundle or 0, set()).add((plan.fate, name_leader(plan.entry)))
    for plan in planned:
        broken = plan.case.bundle is not None and len(ways[plan.case.bundle]) > 1
        yield replace(plan, fate="changed") if broken and plan.fate in {"send", "wait"} else plan


def name_leader(entry: Entry | None) -> tuple[str, int] | None:
    """Name the request that *entry* is a part of, by run and row."""
    return (entry.run, entry.case.row if entry.case.bundle is None else entry.case.bundle) if entry else None


def differing(case: Case, made: Entry) -> tuple[str, ...]:
    """Name the fields in which *case* differs from the one that was *made*."""
    ours, theirs = case.fingerprints, made.case.fingerprints
    if not theirs:  # found at the API, or forgotten: only what every entry has can be compared
        known = (
            ("amountToRecover", _own_amount(case), _own_amount(made.case)),
            ("currencyCode", case.currency, made.case.currency),
        )
        return tuple(name for name, our, their in known if our and their and our != their)
    if ours == theirs:
        return ()
    return tuple(name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name))


def _own_amount(case: Case) -> Decimal | None:
    """Return what a case's own row claims; None where its amount is that of a whole bundle."""
    return None if case.bundle == case.row else case.amount


def _latest(entries: Sequence[Entry], status: str) -> Entry | None:
    return next((entry for entry in reversed(entries) if entry.status == status), None)


def _fingerprints(payload: Mapping[str, object], secret: bytes, prefix: str = "") -> dict[str, str]:
    """Return a keyed hash for each field: enough to tell a change, not enough to tell a value."""
    found: dict[str, str] = {}
    for name, value in payload.items():
        if isinstance(value, dict):
            found |= _fingerprints(value, secret, f"{prefix}{name}.")
        elif name not in _NOT_CONTENT:
            found[prefix + name] = _fingerprint(prefix + name, str(value), secret)
    return found


@lru_cache(maxsize=2**15)  # most fields have few values
def _fingerprint(name: str, text: str, secret: bytes) -> str:
    return hashlib.blake2b(f"{name}\0{text}".encode(), key=secret, digest_size=8).hexdigest()
