"""What `exec --server` and `serve` share: what is served, and that it is answered for and kept alive."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vaultpy.execution import asked
from vaultpy.plan import make_plan
from vaultpy.sdk_profiles import source_key
from vaultpy.served_credentials import Served
from vaultpy.signers import full_chain, signer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Protocol

    from vaultpy.config import Config
    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan
    from vaultpy.renewal import Renewal
    from vaultpy.run_inputs import RunInputs
    from vaultpy.values import Secret

    class Voice(Protocol):
        """What speaks to the person."""

        def note(self, text: str) -> None: ...  # noqa: D102
        def warn(self, text: str) -> None: ...  # noqa: D102

    class Endpoint(Protocol):
        """What answers SDKs."""

        def url(self, path: str) -> str: ...  # noqa: D102
        def start(self) -> None: ...  # noqa: D102
        def close(self) -> None: ...  # noqa: D102

    class Run(RunInputs, Protocol):
        """The objects of one run."""

        @property
        def terminal(self) -> Voice: ...  # noqa: D102

        def now(self) -> float:
            """Return AWS's time."""

        def first(self, plan: Plan, options: Mapping[str, str]) -> Credentials:
            """Return the credentials to begin with; a person may be asked for all that takes."""

        def renewal(self, served: Sequence[Served], yubikey: str | None, wake: Callable[[], None]) -> Renewal:
            """Return what keeps these alive."""

        def leave_terminal(self) -> None:
            """Read nothing from the terminal any more."""

        def endpoint(self, renewal: Renewal, token: Secret, port: int) -> Endpoint:
            """Listen on loopback; raises PortTaken."""

        def new_token(self) -> Secret:
            """Return what an SDK is to show."""

        def end(self) -> None:
            """End what was started for the renewal."""


FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105  # a variable's name
TOKEN_FILE = f"{TOKEN}_FILE"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION")
"""What SDKs would take before they ask a server."""

SERVER = {"--server": ""}
_CAPPED = "AWS limits a role that another session assumes to 1h; the server renews it in time"


def profile_served(run: Run, profile: str, options: Mapping[str, str]) -> Served:
    """Return what `profile` is served as; raises what making its plan raises."""

    def plan() -> Plan:
        return make_plan(run.config, run.index, profile, asked(options, "exec"), run.environ)

    return Served(f"/profile/{profile}", profile, plan)


def role_served(run: Run, profile: str, role: str) -> Served:
    """Return what `role`, assumed by the user of `profile`, is served as.

    It is not fetched before the start but beside it, and a request that comes too early is told so: the tenth
    of a second that a role takes is made good by an SDK that asks again, but many would hold up the start.
    Raises RoleUnplaced, and what making a plan raises.
    """
    user = signer_of(run.index, full_chain(run.config, run.index, profile)[-1], run.environ)
    arn = user.role_arn(role)

    def plan() -> Plan:
        wish = asked({**SERVER, "--role": arn}, "exec")
        return make_plan(run.config, run.index, user.name, wish, run.environ)

    return Served(f"/role-arn/{arn}", arn, plan)


def first_credentials(run: Run, served: Served, options: Mapping[str, str]) -> Credentials:
    """Return the credentials that are served at first."""
    if served.plan.capped:
        run.terminal.note(_CAPPED)
    credentials = run.first(served.plan, options)
    served.take(credentials, run.now())
    return credentials


def default_source(config: Config) -> str | None:
    """Return what SDKs find in [default] before they come to a server; None for nothing."""
    if not config.has("default"):
        return None
    default = config.profile("default")
    return "its keys" if default.has_plain_keys else source_key(default)


class _Bell:
    """Wakes the thread that renews."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._over = False

    def ring(self) -> None:
        self._rung.set()

    def end(self) -> None:
        self._over = True
        self._rung.set()

    def pause(self, seconds: float) -> bool:
        """Wait until it is rung; tell whether it is over."""
        self._rung.wait(seconds)
        self._rung.clear()
        return self._over


class Server:
    """What answers, once it is started, and renews."""

    def __init__(self, run: Run, renewal: Renewal, endpoint: Endpoint, bell: _Bell) -> None:
        self._run = run
        self._renewal = renewal
        self._endpoint = endpoint
        self._bell = bell
        self.url = endpoint.url

    def start(self) -> None:
        """Begin; the terminal is another's from now on."""
        self._run.leave_terminal()
        threading.Thread(target=self._renew, name="renewal", daemon=True).start()
        self._endpoint.start()

    def _renew(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            # A shell beside us may put us in the background: with `stty tostop` talking would stop us.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        self._renewal.run(self._bell.pause)


@contextmanager
def listening(
    run: Run, served: Sequence[Served], token: Secret, port: int = 0, yubikey: str | None = None
) -> Iterator[Server]:
    """Listen while the context lasts, not longer than this process, however that ends; raises PortTaken."""
    bell = _Bell()
    renewal = run.renewal(served, yubikey, bell.ring)
    endpoint = run.endpoint(renewal, token, port)
    try:
        yield Server(run, renewal, endpoint, bell)
    finally:
        bell.end()
        endpoint.close()
        run.end()
