"""Whose accounts a run sends for: the key's own, or one for each of a partner's clients; and the right to send for all.

A partner's run is the partner's, and its cases are the clients'. Tokens are got first, since they name the accounts;
then the right to send for all of them is taken at once; then each is asked who it is, within its own windows.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from importer.errors import RunError, SettingsError, Stopped
from importer.pipeline.account import (
    Account,
    DeniedError,
    SilentError,
    ask_account,
    asking_account,
    credential_of,
    sending_account,
)
from importer.pipeline.tokens import Office, Pass, client_credential, grant_all, tell_unlinked
from importer.settings import environment_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from importer.journal import Journal
    from importer.model import Entry
    from importer.pipeline.account import Api, Waiting
    from importer.settings import Settings

LINK_AGAIN: Final = "Link the client again at Debitura, then `importer resume` goes on."
RELINKED: Final = (
    "It is linked to another account now; rows of this run are in doubt at {}, and can be asked about there alone."
)
DENIED: Final = "The API does not accept its token, nor another one."


@dataclass(frozen=True, slots=True)
class Party:
    """One account that a run sends for.

    Attributes:
        account: Whose cases these are.
        api: Where to send, and with what.
        credential: Keyed hash of the key, or of the key and the client.
        first: The token that *api* has; None where it is a key.
    """

    account: Account
    api: Api
    credential: str
    first: Pass | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """All that a run sends for.

    Attributes:
        account: Whose run it is: the key's.
        by_client: Client → party; of a run for the key's own account, one whose client is blank.
        absent: Client → why nothing can be sent for it.
    """

    account: Account
    by_client: Mapping[str, Party]
    absent: Mapping[str, str] = field(default_factory=dict)

    def account_of(self, client: str) -> str:
        """Return the account of a client's cases; of one that is not there, a name that no account has."""
        party = self.by_client.get(client)
        return party.account.id if party else f"{self.account.id} without {client}"

    def only(self, client: str) -> Party:
        """Return the one party.

        Raises:
            Stopped: Nothing can be asked for it.
        """
        if client in self.absent:
            raise Stopped(f"Client {client}: {self.absent[client]}")
        return self.by_client[client]

    def of_run(self, entries: Iterable[Entry]) -> Parties:
        """Leave those out whose account is another one now than that where *entries* of theirs are in doubt."""
        moved = {
            entry.case.client: RELINKED.format(entry.account)
            for entry in entries
            if entry.status == "sending" and entry.account != self.account_of(entry.case.client)
        }
        kept = {client: party for client, party in self.by_client.items() if client not in moved}
        return replace(self, by_client=kept, absent={**moved, **self.absent})

    @property
    def title(self) -> str:
        """Whose run it is, as people know it."""
        if "" in self.by_client:
            return self.account.title
        return f"{self.account.title}, for {', '.join(self.by_client) or 'no client'}"


def name_clients(api: Api, client: str | None) -> tuple[str, ...]:
    """Name the one client that a command is about; none, where the key is no partner's.

    Raises:
        SettingsError: It has to be named and is not, or the other way round.
    """
    if api.referral_url is None and client is not None:
        raise SettingsError("--client is for the target `referral`: any other key has one account. Leave it out.")
    if api.referral_url is not None and client is None:
        raise SettingsError("A partner's key serves many accounts: say with --client which client's is meant.")
    return (client,) if client else ()


@contextmanager
def sending_parties(
    api: Api,
    settings: Settings,
    journal: Journal,
    clients: Collection[str],
    *,
    of_run: str | None = None,
    wait: bool,
    waiting: Waiting,
) -> Iterator[Parties]:
    """Hold the right to send for the key's own account or, where it is a partner's, for those of *clients*.

    Raises:
        JournalError: Another process sends for one of them, and *wait* is false; then nothing was sent.
        RunError: The key is for another account than *of_run*, or two clients are one account.
        Stopped: The key is refused, an API cannot be reached, or the day's requests are spent.
    """
    if api.referral_url is None:
        with sending_account(api, settings, journal, of_run=of_run, wait=wait, waiting=waiting) as account:
            yield Parties(account, {"": Party(account, api, credential_of(api, journal.secret()))})
        return
    partner, office, passes, absent = _get_passes(api, settings, journal, clients, of_run, waiting)
    accounts = {name: _name_account(api, one) for name, one in passes.items()}
    _refuse_shared(accounts)
    with journal.sender(*accounts.values(), wait=wait):
        parties = {}
        for name, one in passes.items():
            found = _meet(name, one, accounts[name], api, settings, journal, office)
            if isinstance(found, str):
                absent[name] = found
            else:
                parties[name] = found
        yield Parties(partner, parties, absent)


def asking_parties(
    api: Api, settings: Settings, journal: Journal, clients: Collection[str], *, waiting: Waiting
) -> Parties:
    """Say whom the key, or the token of each of *clients*, serves; for questions alone: no right to send is taken.

    Raises:
        Stopped: The key is refused, an API cannot be reached, or the day's requests are spent.
    """
    secret = journal.secret()
    if api.referral_url is None:
        account = asking_account(api, settings, journal, waiting=waiting)
        return Parties(account, {"": Party(account, api, credential_of(api, secret))})
    partner, _, passes, absent = _get_passes(api, settings, journal, clients, None, waiting)
    parties = {}
    for name, one in passes.items():
        own = replace(api, key=one.granted.token, header="Authorization")
        account_id = _name_account(api, one)
        account = Account(account_id, name, None, journal.ahead_of(account_id))
        parties[name] = Party(account, own, client_credential(api, name, secret), one)
    return Parties(partner, parties, absent)


def _get_passes(
    api: Api, settings: Settings, journal: Journal, clients: Collection[str], of_run: str | None, waiting: Waiting
) -> tuple[Account, Office, dict[str, Pass], dict[str, str]]:
    """Get a token for each of *clients*, or why there is none."""
    partner_api = replace(api, url=api.referral_url or "")
    # Held for as long as the tokens take: another run of this partner, for other clients, is kept out no longer.
    with sending_account(partner_api, settings, journal, of_run=of_run, wait=True, waiting=waiting) as partner:
        office = Office(api, partner, journal, settings, waiting=waiting)
        granted = grant_all(office, sorted(clients))
    absent = {name: tell_unlinked(found) for name, found in granted.items() if not isinstance(found, Pass)}
    passes = {name: found for name, found in granted.items() if isinstance(found, Pass)}
    return partner, office, passes, absent


def _name_account(api: Api, one: Pass) -> str:
    return f"{environment_of(api.url)}/{one.granted.creditor}"


def _refuse_shared(accounts: Mapping[str, str]) -> None:
    first: dict[str, str] = {}
    for name, account in accounts.items():
        other = first.setdefault(account, name)
        if other != name:
            raise RunError(
                f"The clients {other} and {name} are one account ({account}): call it by one name. Nothing was sent."
            )


def _meet(
    name: str, one: Pass, account_id: str, api: Api, settings: Settings, journal: Journal, office: Office
) -> Party | str:
    """Ask a client's account who it is, with one more token where it wants one; or say why nothing can be sent."""
    credential = client_credential(api, name, journal.secret())
    for shown in (one, None):
        found = shown or grant_all(office, [name])[name]
        if not isinstance(found, Pass):
            return tell_unlinked(found)
        own = replace(api, key=found.granted.token, header="Authorization")
        try:
            account = ask_account(own, settings, journal, credential, account_id, waiting=office.waiting)
        except DeniedError:
            continue
        except SilentError:  # so it would be for every client
            raise
        except Stopped as error:
            return str(error)
        if account.id == account_id:
            return Party(account, own, credential, found)
        return f"Its token is for another account ({account.id}) than it says ({account_id}): tell Debitura."
    return f"{DENIED} {LINK_AGAIN}"
