"""What vaultpy asks a person, and remembers when it was said yes to."""

from __future__ import annotations

from vaultpy import errors
from vaultpy.endpoints import host_of, is_plain, is_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Protocol

    from vaultpy.background import Waiting
    from vaultpy.index import Index
    from vaultpy.tls_inspection import Inspection
    from vaultpy.values import Secret

    class Terminal(Protocol):
        """Where a person is asked."""

        def note(self, text: str) -> None: ...  # noqa: D102
        def confirm(self, question: str) -> bool: ...  # noqa: D102
        def secret(self, question: str, otherwise: errors.VaultpyError) -> Secret: ...  # noqa: D102
        def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]: ...  # noqa: D102


_ENDPOINT = ("endpoint", "sts")
_PROXY = "proxy"


def unconfirmed_host(index: Index, endpoint_url: str | None) -> str | None:
    """Return the host that a person has to confirm before signed requests go there, None if there is none.

    Raises EndpointMalformed for what could be read as two different hosts.
    """
    if endpoint_url is None or is_trusted(endpoint_url):
        return None
    if not is_plain(endpoint_url):
        raise errors.EndpointMalformed(url=endpoint_url)
    host = host_of(endpoint_url)
    return None if index.confirmed(*_ENDPOINT, host) else host


def unconfirmed_inspection(index: Index, found: Inspection | None) -> Inspection | None:
    """Return what may read requests and was not confirmed, None if there is none."""
    return None if found is None or index.confirmed(_PROXY, found.proxy, found.bundle) else found


class Questions:
    """The questions of keystores, keys and endpoints, put to the terminal."""

    def __init__(self, terminal: Terminal, index: Index) -> None:
        """Keep confirmations in `index`."""
        self._terminal = terminal
        self._index = index
        self.note = terminal.note
        self.secret = terminal.secret
        self.confirm = terminal.confirm

    def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
        """Say what is waited for, with the seconds left."""
        return self._terminal.waiting(text, seconds)

    def confirm_account(self, mfa_serial: str, account: str, where: str) -> None:
        """Have a person say that `account` makes the codes of `mfa_serial`; raises AccountUnconfirmed."""
        if self._index.confirmed("account", mfa_serial, account):
            return
        if not self._terminal.confirm(f"use account {account} on {where} for {mfa_serial}?"):
            raise errors.AccountUnconfirmed(account=account, mfa_serial=mfa_serial)
        self._index.confirm("account", mfa_serial, account)

    def confirm_endpoint(self, endpoint_url: str | None) -> None:
        """Have a person say that codes may go to a host that is not AWS's.

        Raises EndpointUnconfirmed, and EndpointMalformed for what could be read as two different hosts.
        """
        host = unconfirmed_host(self._index, endpoint_url)
        if host is None:
            return
        if not self._terminal.confirm(f"send signed requests and MFA codes to {host}, which is not AWS's?"):
            raise errors.EndpointUnconfirmed(host=host)
        self._index.confirm(*_ENDPOINT, host)

    def confirm_inspection(self, found: Inspection | None) -> None:
        """Have a person say that a proxy may read what goes to AWS; raises ProxyUnconfirmed."""
        reader = unconfirmed_inspection(self._index, found)
        if reader is None:
            return
        proxy, bundle = reader.proxy, reader.bundle
        if not self._terminal.confirm(
            f"let the proxy {proxy} read MFA codes and sessions, with the certificates in {bundle}?"
        ):
            raise errors.ProxyUnconfirmed(proxy=proxy, bundle=bundle)
        self._index.confirm(_PROXY, proxy, bundle)


class KeystoreQuestions:
    """The questions of the keystore alone."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # the keystore's port has it so
        """Ask for a keystore file's passphrase, twice for a new file; raises PassphraseNeeded."""
        without_terminal = errors.PassphraseNeeded(path=path)
        if not new:
            return self._terminal.secret(f"passphrase of {path}", without_terminal)
        self._terminal.note(f"{path} is new: choose a passphrase; without it nobody opens the file again")
        while True:
            first = self._terminal.secret("new passphrase", without_terminal)
            if not first.reveal():
                self._terminal.note("it cannot be empty")
            elif first == self._terminal.secret("the same again", without_terminal):
                return first
            else:
                self._terminal.note("the two differ")

    def waiting(self, what: str) -> None:
        """Say what the keystore waits for."""
        self._terminal.note(what)
