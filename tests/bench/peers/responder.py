"""An API that takes every case after 2 ms and keeps nothing: the same server for whoever posts.

    python responder.py

It prints its URL. Whoever asks for what it has counted (GET /counted) learns how many cases were posted.
"""

import asyncio
import json
import socket
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import uvicorn

DELAY = 0.002  # seconds
numbers = count(1)
posted = 0
ME = {"id": str(UUID(int=1)), "name": "Invented Creditor", "companyName": "Invented Creditor"}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request."""
    global posted
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, said = 200, {}
    if scope["method"] == "POST":
        await asyncio.sleep(DELAY)
        posted += 1
        number = next(numbers)
        said = json.loads(body) | {"id": str(UUID(int=number)), "reference": f"{number:08}"}
    elif scope["path"] == "/counted":
        said = {"posted": posted}
    elif scope["path"] == "/me":
        said = ME
    else:
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
