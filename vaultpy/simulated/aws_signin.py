"""The simulated sign-in: federation's endpoint, from temporary credentials to the console's first page.

`getSigninToken` takes the credentials of a role or of a federated user and gives a token; `login` shows a
page that says who has signed in, which in AWS would be the console. What is checked is what the IAM User
Guide says in "Enable custom identity broker access to the AWS console", the fifteen minutes of a token among
it (unproven A18); AWS publishes neither the texts of its refusals nor what it does with a session of
GetSessionToken, which is refused here (unproven A19).
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from html import escape
from secrets import token_urlsafe
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vaultpy.simulated.aws_accounts import User
from vaultpy.simulated.aws_server import Reply
from vaultpy.simulated.aws_sessions import AssumedRole, Cloud, Session, principal_of

if TYPE_CHECKING:
    from vaultpy.simulated.sigv4 import HttpRequest

PATH = "/federation"
SECRET_PARAMETERS = ("Session", "SigninToken")
TOKEN_SECONDS = 15 * 60
CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_SHORTEST, _LONGEST = 900, 43200
_TOKEN_BYTES = 600


@dataclass(frozen=True)
class SigninToken:
    """What `login` takes: whose it is, when it was made, and when the console's session ends."""

    session: Session
    made_at: float
    console_until: int


class _RefusedError(Exception):
    """A request that the endpoint refuses, for the reason that is its text."""


def is_signin(request: HttpRequest) -> bool:
    """Tell whether the request is for this endpoint."""
    return urlsplit(request.target).path == PATH


def perform_signin(cloud: Cloud, action: str, parameters: dict[str, str], now: float) -> tuple[str, Reply]:
    """Carry out a request; return the verdict (`OK` or what the refusal says) and the reply."""
    perform = {"getSigninToken": _get_signin_token, "login": _login}.get(action, _no_action)
    try:
        return "OK", perform(cloud, parameters, now)
    except _RefusedError as refusal:
        return str(refusal), _page(400, "Bad Request", str(refusal))


def _no_action(_cloud: Cloud, _parameters: dict[str, str], _now: float) -> Reply:
    raise _RefusedError("Missing or invalid Action")


def _get_signin_token(cloud: Cloud, parameters: dict[str, str], now: float) -> Reply:
    session = _session(cloud, parameters.get("Session", ""), now)
    until = session.expiration
    if "SessionDuration" in parameters:
        if session.chained or not isinstance(session.principal, AssumedRole):
            raise _RefusedError("SessionDuration is not for these credentials")
        text = parameters["SessionDuration"]
        if not (text.isdecimal() and _SHORTEST <= int(text) <= _LONGEST):
            raise _RefusedError("SessionDuration is out of range")
        until = int(now) + int(text)
    token = token_urlsafe(_TOKEN_BYTES)
    cloud.signin_tokens[token] = SigninToken(session, now, until)
    body = json.dumps({"SigninToken": token}).encode()
    return Reply(200, body, {"Content-Type": "application/json"})


def _session(cloud: Cloud, text: str, now: float) -> Session:
    """Return the session whose credentials these are, if they are those of a role or a federated user."""
    try:
        given = json.loads(text)
        key_id, secret, token = (given[name] for name in ("sessionId", "sessionKey", "sessionToken"))
    except (ValueError, TypeError, KeyError):
        raise _RefusedError("Session is not the JSON of temporary credentials") from None
    session = cloud.sessions.get(str(key_id))
    if session is None or not _same(secret, session.secret) or not _same(token, session.token):
        raise _RefusedError("The credentials are not valid")
    if now >= session.expiration:
        raise _RefusedError("The credentials have expired")
    if isinstance(principal_of(session), User):
        raise _RefusedError("The credentials are not those of a role or a federated user")
    return session


def _same(given: object, own: str) -> bool:
    return hmac.compare_digest(str(given).encode(), own.encode())


def _login(cloud: Cloud, parameters: dict[str, str], now: float) -> Reply:
    """Show what would be the console; the way there is not taken, because it is not on this computer."""
    found = cloud.signin_tokens.get(parameters.get("SigninToken", ""))
    if found is None:
        raise _RefusedError("The SigninToken is not valid")
    if now >= found.made_at + TOKEN_SECONDS:
        raise _RefusedError("The SigninToken has expired")
    principal = principal_of(found.session)
    destination = parameters.get("Destination", "")
    parts = urlsplit(destination)
    console = CONSOLES[principal.account.partition]
    if parts.scheme != "https" or parts.netloc != console:
        raise _RefusedError("The Destination is not the console of this partition")
    seconds = round(found.console_until - now)
    return _page(200, "AWS Management Console", f"{principal.arn} for {seconds} s at {destination}")


def _page(status: int, title: str, text: str) -> Reply:
    body = f"<!doctype html><title>{escape(title)}</title><h1>{escape(title)}</h1><p>{escape(text)}</p>"
    return Reply(status, body.encode(), {"Content-Type": "text/html; charset=utf-8"})
