"""The Referral Partner API: whose key it is, tokens for the partner's clients, and what a case would cost.

Sources: https://docs.debitura.com/referral-partners/integration-guides/case-submission,
https://docs.debitura.com/referral-partners/integration-guides/preview-case-pricing
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from importer.sandbox.accounts import Caller, identify
from importer.sandbox.answers import Answer, answer, refuse, refuse_fields
from importer.sandbox.creating import read_body
from importer.sandbox.preview import preview_price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import Route

    from importer.sandbox.gate import Gate

LONGEST_TENANT: Final = 255  # characters
UNLINKED: Final = "unlinked"  # what the names of those begin with that are nobody's clients


class Referral:
    """The operations of partners that a sender of cases needs."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._ledger = gate.ledger

    def routes(self) -> list[Route]:
        """List the paths, and what answers each."""
        route = self._gate.route
        return [
            route("/me", self._tell_partner, identify=_identify_partner),
            route("/oauth/token", self._make_token, "POST", identify=_identify_partner),
            route("/cases/preview", self._preview, "POST", identify=_identify_partner),
        ]

    async def _tell_partner(self, _: Request, caller: Caller) -> Answer:
        return answer(
            {"id": self._ledger.name_account(caller.key), "companyName": f"Invented Partner ({caller.account})"}
        )

    async def _preview(self, request: Request, _: Caller) -> Answer:
        body = read_body(await request.body())
        today = datetime.fromtimestamp(self._gate.clock(), UTC).date()
        return body if isinstance(body, Answer) else preview_price(body, today)

    async def _make_token(self, request: Request, caller: Caller) -> Answer:
        fate = self._gate.faults.befall("token")
        tenant = _read_tenant(await request.body())
        if not tenant.strip():
            return refuse_fields({"ExternalTenantId": ["External tenant id is required"]})
        if len(tenant) > LONGEST_TENANT:
            return refuse_fields(
                {"ExternalTenantId": [f"External tenant id cannot exceed {LONGEST_TENANT} characters"]}
            )
        if tenant.startswith(UNLINKED) or "unlink" in fate:
            return refuse(404, "NotFound", "No active link exists for this external tenant id.")
        account = f"{caller.account}/{tenant.partition(':')[0]}"
        token, seconds = self._gate.tokens.make(account)
        return answer(
            {
                "accessToken": token,
                "tokenType": "Bearer",
                "expiresIn": seconds,
                "externalTenantId": tenant,
                "creditorId": self._ledger.name_account(account),
            }
        )


def _identify_partner(headers: Mapping[str, str]) -> Caller | None:
    """Return whose partner key it is; its limits are those of this API alone, whatever else the key opens."""
    caller = identify(headers)
    return None if caller is None or caller.bearer else Caller(f"partner {caller.key}", caller.account, bearer=False)


def _read_tenant(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    tenant = document.get("externalTenantId") if isinstance(document, dict) else None
    return tenant if isinstance(tenant, str) else ""
