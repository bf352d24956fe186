"""What `credential-process` does: credentials for an SDK, which waits for them and shows nothing meanwhile.

SDKs give up after a minute, so a run ends before that, whatever it waits for. They ask anew when less than a
quarter of an hour is left, and after every failure.
"""

from __future__ import annotations

import time

from vaultpy import errors
from vaultpy.background import Task
from vaultpy.credentials_json import render
from vaultpy.execution import asked
from vaultpy.plan import make_plan
from vaultpy.recent_timeouts import RecentTimeouts
from vaultpy.records import ON_YUBIKEY
from vaultpy.sessions import MARGIN_SECONDS, SERVER_MARGIN_SECONDS
from vaultpy.state import state_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan
    from vaultpy.run_inputs import RunInputs
    from vaultpy.sessions import SessionStore

    class Broker(Protocol):
        """Whoever gets the credentials of a plan."""

        def credentials(self, plan: Plan) -> Credentials: ...  # noqa: D102

    class Terminal(Protocol):
        """Where a person is told what is waited for."""

        def detach(self) -> None:
            """Keep others in this process from reading it."""

    class Processes(Protocol):
        """The programs that were started for credentials."""

        def end(self) -> None:
            """End those that still run."""

    class Run(RunInputs, Protocol):
        """The objects of one run."""

        @property
        def sessions(self) -> SessionStore: ...  # noqa: D102
        @property
        def terminal(self) -> Terminal: ...  # noqa: D102
        @property
        def processes(self) -> Processes: ...  # noqa: D102

        def broker(self, plan: Plan, *, cache: bool, yubikey: str | None, margin: float) -> Broker:
            """Return what gets credentials that last for `margin` seconds more."""


VERB = "credential-process"
LIMIT_SECONDS = 48.0
"""How long a run may take; what comes before and after it is done within two seconds."""

_LOOK_SECONDS = 0.25
_SAFE_KEYSTORES = {"", "file", "system", ON_YUBIKEY}  # those of others may read the terminal
_TIMEOUTS = (
    errors.CardHeld,
    errors.KeystoreTimeout,
    errors.NoCardReader,
    errors.NoYubiKey,
    errors.NotTouched,
    errors.ReaderAbsent,
    errors.SigningKeyAbsent,
    errors.StillBusy,
    errors.TimedOut,
    errors.YubiKeyAbsent,
)


def answer(run: Run, profile: str, options: Mapping[str, str], limit: float = LIMIT_SECONDS) -> str:
    """Return the JSON with the credentials of `profile`, after `limit` seconds at the most.

    `options` are those of `argv.CREDENTIAL_PROCESS_FLAGS` and `argv.CREDENTIAL_PROCESS_VALUES`, by their long
    names. Raises TimedOut, TimedOutJustNow, SessionTooShort, and what stands in the way.
    """
    plan = make_plan(run.config, run.index, profile, asked(options, VERB), run.environ)
    question = plan.question(len(plan.requests))
    recent = RecentTimeouts(state_directory(run.environ), time.time)
    began, deadline = time.time(), time.monotonic() + limit

    def check() -> None:
        if time.monotonic() >= deadline:
            raise errors.TimedOut(profile=profile, seconds=round(limit))
        recent.check(question, since=began)

    if not _SAFE_KEYSTORES.issuperset(_keystores(run, plan)):
        run.terminal.detach()
    task = Task(lambda: _credentials(run, plan, options, lambda: recent.check(question)))
    try:
        return render(_result(task, check), plan.account_id)
    except _TIMEOUTS as error:
        recent.remember(question, error)
        raise
    finally:
        run.processes.end()


def _keystores(run: Run, plan: Plan) -> list[str]:
    """Return the keystores that may be opened: for the access key, and for a YubiKey's password."""
    enrolment = plan.signer.enrolment
    return [run.environ.get("VAULTPY_KEYSTORE", ""), *([enrolment.keystore] if enrolment else [])]


def _duration(plan: Plan) -> int:
    return plan.requests[-1].duration if plan.requests else 0


def _is_short(plan: Plan) -> bool:
    """Tell whether an SDK would ask anew at every call for what the plan makes."""
    return 0 < _duration(plan) <= SERVER_MARGIN_SECONDS


def _credentials(run: Run, plan: Plan, options: Mapping[str, str], check: Callable[[], None]) -> Credentials:
    cache = "--no-cache" not in options
    if not (cache and _has_whole_session(run, plan)):
        if _is_short(plan):
            raise errors.SessionTooShort(seconds=_duration(plan), profile=plan.profile.name)
        if not (cache and _has_partial_session(run, plan)):
            check()
    broker = run.broker(plan, cache=cache, yubikey=options.get("--yubikey"), margin=SERVER_MARGIN_SECONDS)
    return broker.credentials(plan)


def _has_whole_session(run: Run, plan: Plan) -> bool:
    """Tell whether the session at hand saves the touch and lasts until an SDK asks anew."""
    least = max(plan.min_ttl, SERVER_MARGIN_SECONDS if _is_short(plan) else 0)
    question = plan.question(len(plan.requests))
    return run.sessions.get(question, SERVER_MARGIN_SECONDS, _duration(plan), least) is not None


def _has_partial_session(run: Run, plan: Plan) -> bool:
    """Tell whether a session is at hand for the first calls of the plan, which saves the touch too."""
    return any(run.sessions.get(plan.question(made), MARGIN_SECONDS) for made in range(1, len(plan.requests)))


def _result(task: Task[Credentials], check: Callable[[], None]) -> Credentials:
    """Wait for the credentials until `check` raises; the process is to end then, whatever `task` does."""
    try:
        while not task.finished(_LOOK_SECONDS):
            check()
    except BaseException:
        task.abandon(_forget)
        raise
    return task.result()


def _forget(_credentials: Credentials) -> None:
    """Take no notice of credentials that came too late."""
