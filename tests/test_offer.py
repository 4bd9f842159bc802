"""What is said of rows that stay behind, before the question whether to send the others."""

from __future__ import annotations

import pytest

from importer.model import WAYS, Against
from importer.pipeline.prepare import Offer
from importer.screen import console, show_offer


def offer(invalid: int, held: int) -> Offer:
    return Offer(
        1,
        1,
        {},
        "4711",
        "localhost",
        test=False,
        absent=(),
        against=Against("4711", {"new": 0, "changed": 0, **dict.fromkeys(WAYS, 0)}),
        invalid=invalid,
        held=held,
        seconds=1,
    )


@pytest.mark.parametrize(
    ("rows", "errors", "waiting"),
    [
        (1, "1 row has errors and is not sent.", "1 row waits for a row of its bundle that has an error."),
        (
            2000,
            "2,000 rows have errors and are not sent.",
            "2,000 rows wait for a row of their bundle that has an error.",
        ),
    ],
)
def test_a_single_row_that_stays_behind_is_spoken_of_as_one(
    rows: int, errors: str, waiting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_offer(console(quiet=False), offer(rows, rows))
    assert [errors, waiting] == capsys.readouterr().err.splitlines()[-2:]
