"""Posts the rows of a SQLite table with httpx and keeps nothing: a row at a time, or so many at once with one client.

python post_with_httpx.py DATABASE URL AT_ONCE
"""

import asyncio
import sqlite3
import sys

import httpx

database, url, at_once = sys.argv[1:]
rows = sqlite3.connect(database).execute("SELECT reference, body FROM invoices").fetchall()


async def main() -> None:
    """Post all rows."""
    left = iter(rows)
    limits = httpx.Limits(max_connections=int(at_once), max_keepalive_connections=int(at_once))
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False) as client:

        async def work() -> None:
            for reference, body in left:
                answer = await client.post("/cases", content=body, headers={"Idempotency-Key": reference})
                answer.raise_for_status()
                assert answer.json()["id"]

        await asyncio.gather(*(work() for _ in range(int(at_once))))


if int(at_once) == 1:
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for reference, body in rows:
            answer = client.post("/cases", content=body, headers={"Idempotency-Key": reference})
            answer.raise_for_status()
            assert answer.json()["id"]
else:
    asyncio.run(main())
