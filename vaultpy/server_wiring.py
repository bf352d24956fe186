"""Which real objects stand behind the ports of `exec --server` and `serve`."""

from __future__ import annotations

import select
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from vaultpy import errors
from vaultpy.execution import given_code
from vaultpy.memory_place import MemoryPlace
from vaultpy.renewal import Renewal
from vaultpy.served_credentials import AHEAD_SECONDS
from vaultpy.server.endpoint import Endpoint, new_token
from vaultpy.server.source import NoSuchPathError
from vaultpy.session_places import all_places
from vaultpy.sessions import SessionStore
from vaultpy.terminal import Terminal
from vaultpy.trace import trace
from vaultpy.unasked_keystore import open_unasked
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan
    from vaultpy.served_credentials import Served
    from vaultpy.terminal import Notifier
    from vaultpy.values import Secret

_SHOWN_SECONDS = 60.0


class ServerWiring:
    """The objects of one run that serves."""

    def __init__(self, run: Wiring) -> None:
        """Let `run` keep in this process the sessions that no place takes."""
        self._run = run
        self.environ, self.terminal = run.environ, run.terminal
        self.config, self.index = run.config, run.index
        self.now: Callable[[], float] = run.ledger.time
        chosen = [*run.places, MemoryPlace()]
        names = {place.name for place in chosen}
        others = [place for place in all_places(open_unasked) if place.name not in names]
        run.sessions = SessionStore(run.index, chosen, run.ledger.time, [*chosen, *others])
        self._behind: _Behind | None = None

    def first(self, plan: Plan, options: Mapping[str, str]) -> Credentials:
        """Return the credentials to begin with; a person may be asked for all that takes."""
        broker = self._run.broker(plan, code=given_code(options), yubikey=options.get("--yubikey"))
        return broker.credentials(plan)

    def renewal(self, served: Sequence[Served], yubikey: str | None, wake: Callable[[], None]) -> Renewal:
        """Return what keeps these alive."""
        self._behind = behind = _Behind(self._run, yubikey)
        return Renewal(served, behind, clock=self.now, tell=behind.voice.tell, wake=wake)

    def leave_terminal(self) -> None:
        """Read nothing from the terminal any more."""
        self.terminal.listens = False

    def endpoint(self, renewal: Renewal, token: Secret, port: int) -> Endpoint:
        """Listen on loopback; raises PortTaken."""
        try:
            return Endpoint(AtPaths(renewal), token, port=port)
        except (OSError, OverflowError) as error:
            reason = (getattr(error, "strerror", None) or "there is no such port").lower()
            raise errors.PortTaken(port=port, reason=reason) from None

    def new_token(self) -> Secret:
        """Return what an SDK is to show."""
        return new_token()

    def end(self) -> None:
        """End the programs that were started for the renewal."""
        if self._behind is not None:
            self._behind.processes.end()


class AtPaths:
    """What is served, as the endpoint asks for it."""

    def __init__(self, renewal: Renewal) -> None:
        self._renewal = renewal

    def credentials(self, path: str) -> tuple[Credentials, str | None]:
        """Return what is at hand at that path; raises NoSuchPathError, and NothingAtHand."""
        try:
            return self._renewal.credentials(path)
        except KeyError:
            raise NoSuchPathError from None


class _Behind(Wiring):
    """The objects that renew while the command has the terminal; some are those of `run`."""

    def __init__(self, run: Wiring, yubikey: str | None) -> None:
        self.voice = Voice(run.environ)
        super().__init__(run.environ, self.voice)
        self.sessions = run.sessions
        self._run = run
        self._yubikey = yubikey

    def keystore(self, name: str, file: str = "") -> Keystore:
        """Return the one that may be open already; one that lacks a passphrase gets none any more."""
        return self._run.keystore(name, file)

    def credentials(self, plan: Plan) -> Credentials:
        """Return credentials that last."""
        return self.broker(plan, yubikey=self._yubikey, margin=AHEAD_SECONDS).credentials(plan)

    def session(self, plan: Plan, margin: float) -> Credentials | None:
        """Return the session at hand for the plan's first call."""
        return self.sessions.get(plan.question(1), margin)


class Voice(Terminal):
    """A voice behind a command: it reads nothing, counts nothing down, and says only what is worth it.

    A touch is asked for on the desktop, each time; on the terminal `Renewal` has said once that it will be.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        stderr: TextIO | None = None,
        tty_path: str = "/dev/tty",
        *,
        notify: Notifier | None = None,
    ) -> None:
        super().__init__(environ, stderr, tty_path, listens=False)
        if notify is not None:
            self._notify = notify

    def tell(self, text: str) -> None:
        """Say it below what the command shows, and on the desktop."""
        self.show("")
        super().note(text)
        self._notify(text, _SHOWN_SECONDS, self._environ)

    def note(self, text: str) -> None:
        """Leave to `--debug` what is of no consequence to the command."""
        trace(text)

    def warn(self, text: str) -> None:
        """Leave it to `--debug`: it was said at the start."""
        trace(text)

    def wait(self, text: str, seconds: float) -> None:
        """Wait without a word."""
        trace(text)
        time.sleep(seconds)

    @contextmanager
    def waiting(  # type: ignore[override]  # nobody types here, and no line is alive
        self, text: str, seconds: float, **_options: object
    ) -> Iterator[_Still]:
        """Say on the desktop what is waited for."""
        trace(text)
        end = self._notify(text, seconds, self._environ)
        try:
            yield _Still()
        finally:
            end()


class _Still:
    """Somebody who types nothing."""

    def pause(self, seconds: float, wake: socket.socket | None) -> str | None:
        """Wait until `wake` is readable, at most `seconds`."""
        select.select([] if wake is None else [wake], [], [], seconds)
        return None
