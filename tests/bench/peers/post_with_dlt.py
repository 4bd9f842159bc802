"""Posts the rows of a SQLite table with dlt's destination for functions, a row a call.

python post_with_dlt.py DATABASE URL FOLDER
"""

import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

import dlt
import httpx

database, url, folder = sys.argv[1:]
client = httpx.Client(base_url=url, trust_env=False)


@dlt.destination(batch_size=1, loader_file_format="typed-jsonl", name="cases", skip_dlt_columns_and_tables=True)
def post(items: list[dict[str, str]], table: object) -> None:  # noqa: ARG001 - as dlt calls it
    """Post one row."""
    for row in items:
        answer = client.post("/cases", content=row["body"], headers={"Idempotency-Key": row["reference"]})
        answer.raise_for_status()


def invoices() -> Iterator[list[dict[str, Any]]]:
    """Give the rows."""
    rows = sqlite3.connect(database).execute("SELECT reference, body FROM invoices")
    yield [{"reference": reference, "body": body} for reference, body in rows]


dlt.pipeline("bench", destination=post, pipelines_dir=folder).run(dlt.resource(invoices, name="invoices"))
