"""The bearer tokens of referral partners' clients: signed, short-lived, and revoked by faults.

Source: https://docs.debitura.com/referral-partners/getting-started/authentication
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Final

from importer.sandbox.accounts import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from importer.sandbox.faults import Faults
    from importer.sandbox.store import Ledger

LIFETIME: Final = 1800  # seconds


class Tokens:
    """Makes tokens and knows them again; one that was revoked is remembered for as long as the server runs."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float], faults: Faults) -> None:
        self._secret = ledger.name_account("the secret of tokens").encode()
        self._clock = clock  # seconds since the epoch
        self._faults = faults
        self._made = 0
        self._revoked: set[str] = set()

    def make(self, account: str) -> tuple[str, int]:
        """Return a new token for *account*, and for how many seconds it is said to be good."""
        short, early = self._faults.always("short-tokens"), self._faults.always("expire-tokens")
        said = LIFETIME if short is None else short
        self._made += 1
        claims = {"sub": account, "exp": self._clock() + (said if early is None else early), "jti": self._made}
        text = ".".join(_encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return f"{text}.{self._sign(text)}", int(said)

    def identify(self, token: str) -> Caller | None:
        """Return whose *token* is; None where it is none of ours, has expired or was revoked."""
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(text), signature) or token in self._revoked:
            return None
        claims = json.loads(base64.urlsafe_b64decode(text.partition(".")[2] + "=="))
        # Whichever token a client shows: its requests are counted together.
        return Caller(claims["sub"], claims["sub"], bearer=True) if claims["exp"] > self._clock() else None

    def revoke(self, token: str) -> None:
        """Accept *token* no more."""
        self._revoked.add(token)

    def _sign(self, text: str) -> str:
        return _encode(hmac.digest(self._secret, text.encode(), hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
