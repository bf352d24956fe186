"""What `login` does: from a profile to the console's first page, by AWS's federation endpoint.

A role's credentials sign in as they are. A profile without a role has none that do, so its user becomes a
federated user by GetFederationToken, which takes the access key, knows no MFA and gives nothing without a
session policy. The address that comes of it signs in whoever opens it, for a quarter of an hour: the browser
gets another one, on this computer and good for one visit, that leads there.
"""

from __future__ import annotations

import time

from vaultpy import errors
from vaultpy.console_page import page_of
from vaultpy.credentials import Credentials
from vaultpy.durations import HOUR
from vaultpy.execution import asked
from vaultpy.plan import make_plan
from vaultpy.sts_requests import AssumeRole, GetSessionToken
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import Protocol

    from vaultpy.credentials import LongTerm, Signs
    from vaultpy.plan import Plan
    from vaultpy.run_inputs import RunInputs

    class Address(Protocol):
        """An address on this computer that leads to another one, once."""

        @property
        def url(self) -> str: ...  # noqa: D102

        def wait(self, seconds: float) -> bool:
            """Wait until somebody has come for it; tell whether."""

    class Browser(Protocol):
        """A browser that was started."""

        def failure(self) -> str | None:
            """Say why it ended without success, if it did."""

    class Run(RunInputs, Protocol):
        """The objects of one run."""

        def credentials(self, plan: Plan, options: Mapping[str, str]) -> Credentials:
            """Return what a plan leads to, by the sessions at hand or with a touch."""

        def access_key(self, plan: Plan) -> Signs:
            """Return what signs a plan's first call."""

        def federation_token(
            self, plan: Plan, signer: LongTerm, name: str, policy_arn: str, seconds: int
        ) -> Credentials:
            """Make a federated user's session."""

        def signin_token(
            self, plan: Plan, endpoint: str, credentials: Credentials, seconds: int | None
        ) -> Secret:
            """Return what the sign-in endpoint gives for credentials."""

        def note(self, text: str) -> None:
            """Say what goes on."""


VERB = "login"
POLICY = "AdministratorAccess"
BROWSER_SECONDS = 60
_LOOK_SECONDS = 0.25
_LONGEST_NAME = 32
_POLICY_MARKS = "_+=,.@/-"


def console_url(run: Run, profile: str, options: Mapping[str, str]) -> Secret:
    """Return the address that signs in as `profile`; it is a secret, and lives for 15 minutes.

    `options` are those of `exec` by their long names, and `--service`, `--path` and `--policy`. What can be
    known before a touch is raised before it: UsageError, BadVariable, what making a plan raises. Then
    FederationDenied, and what getting credentials and the sign-in endpoint raise.
    """
    plan = make_plan(run.config, run.index, profile, asked(options, VERB), run.environ)
    page = page_of(plan, options, run.environ)
    policy_arn = _policy_arn(plan, options.get("--policy"))
    credentials = _federated(run, plan, policy_arn) if policy_arn else run.credentials(plan, options)
    token = run.signin_token(plan, page.endpoint, credentials, _console_seconds(plan))
    from urllib.parse import urlencode

    query = {
        "Action": "login",
        "Issuer": "vaultpy",
        "Destination": page.destination,
        "SigninToken": token.reveal(),
    }
    return Secret(f"{page.endpoint}/federation?{urlencode(query)}")


def show(
    profile: str,
    address: AbstractContextManager[Address],
    open_browser: Callable[[str], Browser],
    seconds: float = BROWSER_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Let the browser come for the address; raises NoBrowser, and BrowserSilent after `seconds`."""
    with address as way:
        browser = open_browser(way.url)
        deadline = clock() + seconds
        while not way.wait(_LOOK_SECONDS):
            failure = browser.failure()
            if failure is not None:
                raise errors.NoBrowser(reason=failure, profile=profile)
            if clock() >= deadline:
                raise errors.BrowserSilent(seconds=round(seconds), profile=profile)


def _usage(problem: str) -> errors.UsageError:
    return errors.UsageError(problem=problem, command=VERB)


def _policy_arn(plan: Plan, policy: str | None) -> str | None:
    """Return the session policy's ARN where a federated user is to be made, else None."""
    if not plan.requests or not isinstance(plan.requests[-1], GetSessionToken):
        if policy is not None:
            raise _usage(f"--policy is for a profile without a role, and {plan.profile.name} has one")
        return None
    name = POLICY if policy is None else policy
    if name.startswith("arn:"):
        return name
    if not (name.isascii() and name and all(c.isalnum() or c in _POLICY_MARKS for c in name)):
        raise _usage(f"--policy {name} is neither the name of one of AWS's policies nor an ARN")
    parts = plan.signer.user_arn.split(":")
    partition = parts[1] if len(parts) > 1 else "aws"
    return f"arn:{partition}:iam::aws:policy/{name}"


def _federated(run: Run, plan: Plan, policy_arn: str) -> Credentials:
    """Make the user a federated user; a source whose credentials turn out to be temporary needs no such."""
    signer = run.access_key(plan)
    if isinstance(signer, Credentials):
        return signer
    user = plan.signer.user
    run.note(
        f"signing in as a federated user: with session policy {policy_arn}, what {user} may do without MFA"
    )
    name = plan.signer.session_name[:_LONGEST_NAME]
    try:
        return run.federation_token(plan, signer, name, policy_arn, plan.requests[-1].duration)
    except errors.AwsRefused as refused:
        if refused.code not in {"AccessDenied", "AccessDeniedException"}:
            raise
        raise errors.FederationDenied(user=user, profile=plan.profile.name) from None


def _console_seconds(plan: Plan) -> int | None:
    """Return how long the console's session is to hold; None where it ends with the credentials.

    AWS lets it be said for a role alone that was assumed with a long-term key. A session of over an hour
    surely was; a shorter one may be another's, assumed with a session.
    """
    last = plan.requests[-1] if plan.requests else None
    return last.duration if isinstance(last, AssumeRole) and last.duration > HOUR else None
