"""A column that tells credits from debits: no field takes it, and a credit must not become a claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from importer.errors import ColumnsError
from importer.model import fold, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importer.model import Matching, Table

# As ledgers head it, folded.
SIDES: Final = frozenset(
    {
        *("sh", "sollhaben", "sollhabenkennzeichen", "debitcredit", "creditdebit", "dc", "drcr", "crdr"),
        *("debetkredit", "debitkredit", "debetcredit", "doitavoir", "debehaber", "dareavere"),
    }
)


def refuse_credits(tables: Sequence[Table], matching: Matching) -> None:
    """Refuse sources with debits and credits in one column of amounts.

    Raises:
        ColumnsError: A column that feeds nothing, and is not ignored, has both.
    """
    for position, text in enumerate(tables[0].header):
        if text not in matching.unmapped or fold(text) not in SIDES:
            continue
        cells = pd.concat([table.cells[position] for table in tables]).dropna().unique()
        found = sorted({cell.strip() for cell in cells} - {""})
        if len(found) > 1:
            raise ColumnsError(
                f"“{text}” tells debits from credits ({quote(found)}), and a credit would be sent as a claim. Leave "
                "the credits out; if no row is one, ignore the column in a mapping (importer map)."
            )
