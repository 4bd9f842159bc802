"""Where settings come from, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from importer.errors import SettingsError
from importer.settings import api_key, environment_of, load
from importer.throttle import Rate

LIVE = "https://customer-api.debitura.com"


def test_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    settings = load(tmp_path, {}, {})

    assert (settings.target, settings.api_url, settings.rate) == ("customer", None, Rate(2_000, 20_000, 100_000))
    assert (settings.concurrency, settings.timeout, settings.settle_after) == (64, 30.0, 60.0)
    assert (settings.journal, settings.reports) == (tmp_path / "journal.db", tmp_path / "reports")
    assert settings.timezone == ZoneInfo("UTC")


def test_an_option_beats_the_environment_that_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "importer.toml").write_text(
        'concurrency = 1\ntimeout = 1.5\nrate = "1/min"\ntimezone = "Europe/Berlin"'
    )
    environment = {"IMPORTER_CONCURRENCY": "2", "IMPORTER_TIMEOUT": "2.5", "IMPORTER_RATE": ""}

    settings = load(tmp_path, {"concurrency": 3, "timeout": None}, environment)

    assert (settings.concurrency, settings.timeout, settings.rate.minute) == (3, 2.5, 1)
    assert settings.timezone == ZoneInfo("Europe/Berlin")


def test_the_journal_is_a_path_or_a_url(tmp_path: Path) -> None:
    assert load(tmp_path, {}, {"IMPORTER_JOURNAL": "x.db"}).journal == Path("x.db")
    assert load(tmp_path, {}, {"IMPORTER_JOURNAL": "postgresql://h/d"}).journal == "postgresql://h/d"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("IMPORTER_RATE", "fast", "IMPORTER_RATE: The rate 'fast' is not of the form"),
        ("IMPORTER_CONCURRENCY", "many", "IMPORTER_CONCURRENCY is 'many', which is no concurrency"),
        ("IMPORTER_CONCURRENCY", "0", "which is no concurrency"),
        ("IMPORTER_TIMEOUT", "inf", "which is no timeout"),
        ("IMPORTER_SETTLE_AFTER", "-1", "which is no settle after"),
        ("IMPORTER_TARGET", "tickets", "no target 'tickets'; there are: customer"),
        ("IMPORTER_TIMEZONE", "Mars/Base", "which is no timezone"),
        ("IMPORTER_API_URL", "customer-api.debitura.com", "begins with https://"),
        ("IMPORTER_API_URL", "http://customer-api.debitura.com", "unencrypted"),
        ("IMPORTER_API_URL", "https://user:pw@host", "has a name or a password in it"),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(tmp_path: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load(tmp_path, {}, {name: value})


@pytest.mark.parametrize(
    ("text", "words"),
    [("colour = 1", "unknown settings: colour"), ("rate = ", "is not TOML"), ("\xff", "is not TOML")],
)
def test_a_wrong_settings_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "importer.toml").write_bytes(text.encode("latin-1"))

    with pytest.raises(SettingsError, match=words):
        load(tmp_path, {}, {})


def test_plain_http_is_for_loopback_alone(tmp_path: Path) -> None:
    assert load(tmp_path, {"api_url": "http://127.0.0.1:8080/"}, {}).api_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("url", "environment"),
    [(LIVE, "customer-api.debitura.com"), ("http://localhost:1", "loopback"), ("http://[::1]:9", "loopback")],
)
def test_an_environment_is_a_host_and_no_port(url: str, environment: str) -> None:
    assert environment_of(url) == environment


def test_the_key_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")

    assert api_key(LIVE, {"IMPORTER_API_KEY": "from-variable", "IMPORTER_API_KEY_FILE": "x"}) == "from-variable"
    assert api_key(LIVE, {"IMPORTER_API_KEY_FILE": str(tmp_path / "key")}) == "from-file"


class Ring(keyring.backend.KeyringBackend):
    """A keyring with one password in it."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return "from-ring" if (service, username) == ("invoice-importer", "customer-api.debitura.com") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.PasswordSetError(f"{service} {username} {len(password)}")

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.PasswordDeleteError(f"{service} {username}")


@pytest.fixture
def ring() -> object:
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("ring")
def test_the_key_comes_from_the_keyring() -> None:
    assert api_key(LIVE, {}) == "from-ring"


@pytest.mark.usefixtures("ring")
def test_no_key_says_the_three_ways_to_give_one() -> None:
    with pytest.raises(SettingsError, match=r"IMPORTER_API_KEY, or IMPORTER_API_KEY_FILE .* `keyring set"):
        api_key("https://other.example", {})


def test_a_machine_without_a_keyring_has_no_key() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    try:
        with pytest.raises(SettingsError, match="There is no API key"):
            api_key(LIVE, {})
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize("key", ["two words", "schlüssel", "a\x07b"])
def test_a_key_that_cannot_be_one_is_not_shown(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        api_key(LIVE, {"IMPORTER_API_KEY": key})

    assert key not in str(caught.value)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")

    with pytest.raises(SettingsError, match="nowhere named by IMPORTER_API_KEY_FILE cannot be read: No such file"):
        api_key(LIVE, {"IMPORTER_API_KEY_FILE": str(tmp_path / "nowhere")})
    with pytest.raises(SettingsError, match="it is not text"):
        api_key(LIVE, {"IMPORTER_API_KEY_FILE": str(tmp_path / "key")})
