"""An API that takes every case after a delay and keeps nothing: the same server for whoever posts.

    python responder.py [SECONDS OF DELAY]

It prints its URL. GET /counted tells how many cases were posted, and how many requests came in the first ten minutes.
"""

import asyncio
import json
import socket
import sys
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import uvicorn

DELAY = float(sys.argv[1]) if len(sys.argv) > 1 else 0.002  # seconds
TEN_MINUTES = 600  # seconds
ME = {"id": str(UUID(int=1)), "name": "Invented Creditor", "companyName": "Invented Creditor"}
numbers = count(1)
came: list[tuple[float, str]] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, said = 200, {}
    if scope["path"] == "/counted":
        first = came[0][0] if came else 0.0
        soon = sum(when <= first + TEN_MINUTES for when, _ in came)
        said = {"posted": sum(method == "POST" for _, method in came), "ten minutes": soon}
    else:
        came.append((time.monotonic(), scope["method"]))
    if scope["method"] == "POST":
        await asyncio.sleep(DELAY)
        number = next(numbers)
        said = json.loads(body) | {"id": str(UUID(int=number)), "reference": f"{number:08}"}
    elif scope["path"] == "/me":
        said = ME
    elif not said:
        status = 404
    content = json.dumps(said).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"date", format(datetime.now(UTC), "%a, %d %b %Y %H:%M:%S GMT").encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
    listener.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", ws="none", date_header=False)
    uvicorn.Server(config).run([listener])
