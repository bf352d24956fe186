"""What is asked, of whom it is not asked again, and what a no means."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from vaultpy import errors
from vaultpy.index import Index
from vaultpy.questions import KeystoreQuestions, Questions, unconfirmed_host
from vaultpy.tls_inspection import Inspection
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vaultpy.background import Waiting

SERIAL = "arn:aws:iam::123456789012:mfa/alice"


class Terminal:
    """A terminal at which somebody answers `yes` and types `secrets`."""

    def __init__(self, *, yes: bool = True, secrets: tuple[str, ...] = ()) -> None:
        self.yes = yes
        self.secrets = list(secrets)
        self.asked: list[str] = []
        self.noted: list[str] = []

    def note(self, text: str) -> None:
        """Remember it."""
        self.noted.append(text)

    def confirm(self, question: str) -> bool:
        """Answer."""
        self.asked.append(question)
        return self.yes

    def secret(self, question: str, otherwise: errors.VaultpyError) -> Secret:
        """Type the next secret."""
        self.asked.append(question)
        if not self.secrets:
            raise otherwise
        return Secret(self.secrets.pop(0))

    @contextmanager
    def waiting(self, text: str, seconds: float) -> Iterator[Waiting]:
        """Say what is waited for."""
        self.noted.append(f"{text} {seconds}")
        yield self

    def pause(self, seconds: float, wake: object) -> str | None:
        """Wait for nothing."""
        del seconds, wake
        return None


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Return an empty index."""
    return Index(str(tmp_path / "index"))


@pytest.mark.parametrize("url", [None, "https://sts.eu-central-1.amazonaws.com", "http://localhost:4566"])
def test_aws_and_this_computer_are_not_asked_about(index: Index, url: str | None) -> None:
    terminal = Terminal(yes=False)
    Questions(terminal, index).confirm_endpoint(url)
    assert terminal.asked == []


def test_another_endpoint_is_confirmed_once_and_remembered(index: Index) -> None:
    terminal = Terminal()
    for path in ("", "/sts", "/other"):
        Questions(terminal, index).confirm_endpoint(f"https://Proxy.example:8443{path}")
    assert terminal.asked == [
        "send signed requests and MFA codes to https://proxy.example:8443, which is not AWS's?"
    ]


@pytest.mark.parametrize(
    "url", ["http://proxy.example:8443", "https://proxy.example", "https://other.example:8443"]
)
def test_another_scheme_port_or_host_is_another_question(index: Index, url: str) -> None:
    terminal = Terminal()
    questions = Questions(terminal, index)
    questions.confirm_endpoint("https://proxy.example:8443")
    questions.confirm_endpoint(url)
    assert len(terminal.asked) == 2


def test_a_no_is_an_error_and_not_remembered(index: Index) -> None:
    terminal = Terminal(yes=False)
    questions = Questions(terminal, index)
    for _ in range(2):
        with pytest.raises(errors.EndpointUnconfirmed, match="MFA codes would go to https://proxy"):
            questions.confirm_endpoint("https://proxy.example")
    assert len(terminal.asked) == 2


def test_an_endpoint_that_could_be_read_in_two_ways_is_refused_without_a_question(index: Index) -> None:
    terminal = Terminal()
    with pytest.raises(errors.EndpointMalformed) as caught:
        Questions(terminal, index).confirm_endpoint("https://evil.example\\@sts.amazonaws.com")
    assert "AWS_ENDPOINT_URL" in caught.value.hint
    assert terminal.asked == []


def test_a_proxy_that_may_read_is_confirmed_once_and_remembered(index: Index) -> None:
    terminal = Terminal()
    for bundle in ("/company.pem", "/company.pem", "/other.pem"):
        Questions(terminal, index).confirm_inspection(Inspection("proxy:3128", bundle))
    Questions(terminal, index).confirm_inspection(None)
    assert terminal.asked == [
        "let the proxy proxy:3128 read MFA codes and sessions, with the certificates in /company.pem?",
        "let the proxy proxy:3128 read MFA codes and sessions, with the certificates in /other.pem?",
    ]


def test_a_proxy_that_may_not_read_is_an_error_each_time(index: Index) -> None:
    for _ in range(2):
        with pytest.raises(errors.ProxyUnconfirmed, match=r"proxy:3128 could .* in /company\.pem"):
            Questions(Terminal(yes=False), index).confirm_inspection(Inspection("proxy:3128", "/company.pem"))


def test_an_account_is_confirmed_once_for_each_device(index: Index) -> None:
    terminal = Terminal()
    for serial in (SERIAL, SERIAL, SERIAL + "2"):
        Questions(terminal, index).confirm_account(serial, "AWS:alice", "YubiKey 1234")
    assert terminal.asked == [
        f"use account AWS:alice on YubiKey 1234 for {SERIAL}?",
        f"use account AWS:alice on YubiKey 1234 for {SERIAL}2?",
    ]


def test_an_account_that_is_not_the_one_is_not_used(index: Index) -> None:
    with pytest.raises(errors.AccountUnconfirmed, match="AWS:alice has not been confirmed"):
        Questions(Terminal(yes=False), index).confirm_account(SERIAL, "AWS:alice", "YubiKey 1234")
    assert not index.confirmed("account", SERIAL, "AWS:alice")


def test_waiting_is_the_terminal_s(index: Index) -> None:
    terminal = Terminal()
    with Questions(terminal, index).waiting("plug in a YubiKey", 15) as waiting:
        assert waiting.pause(0, None) is None
    assert terminal.noted == ["plug in a YubiKey 15"]


def test_the_passphrase_of_a_file_that_is_there_is_asked_once() -> None:
    terminal = Terminal(secrets=("word",))
    assert KeystoreQuestions(terminal).passphrase("/keys", False) == Secret("word")  # noqa: FBT003  # the port's
    assert terminal.asked == ["passphrase of /keys"]


def test_the_passphrase_of_a_new_file_is_asked_until_two_are_the_same() -> None:
    terminal = Terminal(secrets=("", "word", "wort", "word", "word"))
    assert KeystoreQuestions(terminal).passphrase("/keys", True) == Secret("word")  # noqa: FBT003  # the port's
    assert terminal.noted[1:] == ["it cannot be empty", "the two differ"]


def test_without_a_terminal_a_passphrase_is_an_error() -> None:
    with pytest.raises(errors.PassphraseNeeded, match="/keys"):
        KeystoreQuestions(Terminal()).passphrase("/keys", True)  # noqa: FBT003  # the port's


def test_what_the_keystore_waits_for_is_said() -> None:
    terminal = Terminal()
    KeystoreQuestions(terminal).waiting("answer the keystore's window")
    assert terminal.noted == ["answer the keystore's window"]


def test_what_asks_nobody_is_told_the_host_that_is_not_confirmed_and_writes_nothing(tmp_path: Path) -> None:
    index = Index(str(tmp_path / "state" / "index"))
    for url in (None, "http://127.0.0.1:1", "https://sts.eu-west-1.amazonaws.com"):
        assert unconfirmed_host(index, url) is None
    with pytest.raises(errors.EndpointMalformed):
        unconfirmed_host(index, "https://a@b\\c")
    assert unconfirmed_host(index, "https://sts.example/") == "https://sts.example"
    assert list(tmp_path.iterdir()) == []
    Questions(Terminal(), index).confirm_endpoint("https://sts.example")
    assert unconfirmed_host(index, "https://sts.example/") is None
