"""Posts the rows of a SQLite table with httpx, one at a time, and keeps nothing.

python post_with_httpx.py DATABASE URL
"""

import sqlite3
import sys

import httpx

database, url = sys.argv[1:]
rows = sqlite3.connect(database).execute("SELECT reference, body FROM invoices").fetchall()
with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
    for reference, body in rows:
        answer = client.post("/cases", content=body, headers={"Idempotency-Key": reference})
        answer.raise_for_status()
        assert answer.json()["id"]
