"""Who calls, and what stands in the way of a case: the triggers that bring each business error about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from importer.sandbox.answers import BusinessError

if TYPE_CHECKING:
    from collections.abc import Mapping

PORTAL: Final = "https://app.debitura.com"
FORBIDDEN: Final = "sandbox-forbidden"
UNSIGNED: Final = "sandbox-unsigned"
NO_PARTNER: Final = "AQ"  # debtors' countries
NOPOWER: Final = "GR"
NO_IDENTITY: Final = "MT"
VERIFIED: Final = "verified"  # what the names of clients begin with whose director's identity is known

_BLOCKED: Final = {
    "sandbox-blocked": BusinessError("CreditorBlocked", "Your account is blocked. Please contact Debitura support."),
    "sandbox-demo": BusinessError(
        "DemoAccountBlocked", "Demo accounts cannot create cases via the API. Use the Debitura portal instead."
    ),
}
_PARTNERLESS: Final = BusinessError(
    "NoPartnerAvailable", "We don't have an exclusive pre-legal partner in the provided jurisdiction."
)
_AGREEMENT: Final = BusinessError(
    "MissingDebtCollectionContract",
    "Standard Debt Collection Agreement must be signed before creating cases.",
    f"{PORTAL}/settings/contracts",
)
POWER: Final = BusinessError(
    "MissingPowerOfAttorney",
    "A Power of Attorney with the collection partner must be signed before creating cases.",
    f"{PORTAL}/settings/power-of-attorney",
)
_IDENTITY: Final = BusinessError(
    "MissingKycVerification",
    "The collection partner requires the identity of a director to be verified.",
    f"{PORTAL}/settings/kyc",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        key: The API key or bearer token; each has limits of its own.
        account: The part of the key before the first colon: what comes after it makes another key of the same account.
        bearer: Whether the key came as a bearer token.
    """

    key: str
    account: str
    bearer: bool

    @property
    def trait(self) -> str:
        """What the account's name says of it; a client's is `partner/client`."""
        return self.account.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What stands in the way of a case.

    Attributes:
        final: Nothing helps.
        unsigned: Contracts; a caller may have the case wait for them.
    """

    final: tuple[BusinessError, ...] = ()
    unsigned: tuple[BusinessError, ...] = ()

    def left(self, *, allow_pending: bool) -> tuple[BusinessError, ...]:
        """Return those that keep the case from being made."""
        return self.final if allow_pending else self.unsigned + self.final


def identify(headers: Mapping[str, str]) -> Caller | None:
    """Return who sent a request with *headers*; None where there is no valid key."""
    key, bearer = headers.get("xapikey", "").strip(), False
    if not key and (token := read_token(headers)):
        key, bearer = token, True
    return Caller(key, key.partition(":")[0], bearer) if key.startswith("sandbox") else None


def read_token(headers: Mapping[str, str]) -> str:
    """Return the bearer token of a request; blank where it has none, or a key, which goes before it."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and not headers.get("xapikey", "").strip() else ""


def find_obstacles(caller: Caller, country: str) -> Obstacles:
    """Return what keeps *caller* from a case against a debtor in *country* (alpha-2)."""
    if caller.trait in _BLOCKED:
        return Obstacles(final=(_BLOCKED[caller.trait],))
    if country == NO_PARTNER:
        return Obstacles(final=(_PARTNERLESS,))
    return Obstacles(
        final=(_IDENTITY,)
        if caller.bearer and country == NO_IDENTITY and not caller.trait.startswith(VERIFIED)
        else (),
        unsigned=((_AGREEMENT,) if caller.trait == UNSIGNED else ()) + ((POWER,) if country == NOPOWER else ()),
    )


def tell_signing_url(account_id: str) -> str:
    """Return the one link that leads through all contracts."""
    return f"{PORTAL}/signing/{account_id}"
