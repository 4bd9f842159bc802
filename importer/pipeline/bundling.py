"""Where rows become cases of several invoices: what was asked for, and what the journal says of each row first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from importer.bundle import BUCKETS, blanks, describe, group, hold, join
from importer.errors import ColumnsError, SettingsError
from importer.model import Bundling
from schemas import CLIENT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from importer.bundle import Bundle
    from importer.model import Table
    from importer.pipeline.job import Job, Judged
    from schemas import Target

TEXT = pd.ArrowDtype(pa.string())


def take_bundling(tables: Sequence[Table], job: Job, target: Target, values: pd.DataFrame) -> Bundling | None:
    """Say how rows are to be bundled: as asked for, or as the run did whose results workbook comes back.

    Raises:
        SettingsError: The target's cases are of one invoice, or what was asked for does not go together.
        ColumnsError: There is no such field or column, it is blank, or the source has age buckets of its own.
    """
    carried = next((table.carried.bundling for table in tables if table.carried and table.carried.bundling), None)
    by = job.bundle_by or (carried.by if carried else ())
    lines = job.claim_lines or (carried is not None and carried.lines)
    if not by and lines:
        raise SettingsError("--claim-lines says how bundles are sent: add --bundle-by, or leave it out.")
    if not by:
        return None
    if not set(BUCKETS) <= set(target.FIELDS):
        raise SettingsError(f"--bundle-by is not for {target.NAME}: its cases have no amounts by age. Leave it out.")
    if job.allow_missing_reference:
        raise SettingsError(
            "--bundle-by and --allow-missing-reference do not go together: "
            "only references keep an invoice from being bundled a second time."
        )
    if given := [name for name in BUCKETS if values[name].notna().any()]:
        raise ColumnsError(
            f"The source has {' and '.join(given)}; with --bundle-by these are made from each invoice's due date. "
            "Leave those columns empty, or --bundle-by out."
        )
    header = tables[0].header
    for name in by:
        if name in target.FIELDS and values[name].isna().all():
            raise ColumnsError(f"--bundle-by {name}: no row has it.")
        if name not in target.FIELDS and header.count(name) != 1:
            found = ", ".join(f"“{text}”" for text in header if text)
            raise ColumnsError(
                f"--bundle-by {name}: there is no such field, and no one such column. There are: {found}."
            )
    return Bundling(tuple(by), lines)


def bundle_rows(judged: Judged, job: Job, gone: Collection[int], apart: Mapping[int, str]) -> Judged:
    """Put together what is one case, and hold back what a faulty row of its bundle keeps from being sent.

    Args:
        judged: Of the whole run.
        job: What was asked for.
        gone: Rows that earlier runs have sent: they are in no bundle, and hold none back.
        apart: See `bundle.group`.
    """
    if judged.bundling is None:
        return judged
    here = judged.values.index[~judged.values.index.isin(list(gone))]
    fields = pd.DataFrame({name: _texts(judged, name) for name in judged.bundling.by}).loc[here]
    faulty = set(judged.faulty.tolist())
    found = list(blanks(fields))
    whole: list[tuple[int, ...]] = []
    currencies = judged.amounts["currency"]
    for of_one in _by_client(judged, here):
        for rows in group(fields.loc[of_one], currencies.loc[of_one], faulty, apart):
            found += hold(rows.rows, rows.faulty)
            if not rows.faulty and len(rows.rows) > 1:
                whole.append(rows.rows)
    together = judged.values.loc[[row for rows in whole for row in rows]]
    payloads = judged.target.payload(together, test=bool(job.test), allow_pending_contracts=job.allow_pending_contracts)
    requests = dict(zip(together.index.tolist(), payloads, strict=True))
    bundles: list[Bundle] = []
    codes = judged.target.CODES
    for rows_of_one in whole:
        bundle, said = join({row: requests[row] for row in rows_of_one}, judged.today, lines=judged.bundling.lines)
        bad = {one.row for one in said if codes[one.code].severity == "error"}
        found += [*said, *hold(rows_of_one, bad)]
        if not bad:
            bundles.append(bundle)
    headers = judged.headers
    issues = judged.issues
    if found:
        told = [issues, describe(found, headers, codes)] if len(issues) else [describe(found, headers, codes)]
        issues = pd.concat(told, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
    return replace(judged, issues=issues, bundles=tuple(bundles))


def _by_client(judged: Judged, here: pd.Index) -> Iterator[pd.Index]:
    """Yield the rows among which bundles are made; one that names no client may be any one's, and holds theirs back."""
    if not judged.has_clients:
        yield here
        return
    clients = judged.values[CLIENT].loc[here]
    unknown = here[clients.isna()]
    for _, rows in clients.groupby(clients):
        yield rows.index.append(unknown).sort_values()


def _texts(judged: Judged, name: str) -> pd.Series:
    """Return what each row says under a field or a header; null where that is blank."""
    if name in judged.values:
        return judged.values[name].astype(TEXT)
    texts = judged.cells[judged.header.index(name)].str.strip()
    return texts.mask(texts == "")
