"""From an HTTP request in AWS's query protocol to the action that answers it, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from vaultpy.simulated import aws_iam, aws_sts
from vaultpy.simulated.aws_authentication import authenticate
from vaultpy.simulated.aws_errors import AwsError, invalid_action, missing_authentication_token
from vaultpy.simulated.aws_invocation import Invocation
from vaultpy.simulated.aws_parameters import Parameters
from vaultpy.simulated.aws_server import Reply
from vaultpy.simulated.aws_signin import SECRET_PARAMETERS, is_signin, perform_signin
from vaultpy.simulated.aws_xml import Result, error_xml, reply_xml

if TYPE_CHECKING:
    from vaultpy.simulated.aws_sessions import Cloud
    from vaultpy.simulated.sigv4 import HttpRequest

SERVICES = {"2011-06-15": "sts", "2010-05-08": "iam"}
ACTIONS = {"sts": aws_sts.ACTIONS, "iam": aws_iam.ACTIONS}

_HIDDEN = ("TokenCode", "AuthenticationCode1", "AuthenticationCode2", *SECRET_PARAMETERS)
_NO_ACTION = Reply(302, headers={"Location": "https://aws.amazon.com/iam"})


@dataclass(frozen=True)
class Query:
    """What a request asks for; the service follows from the version, as both share one endpoint here."""

    action: str
    version: str
    parameters: dict[str, str]

    @classmethod
    def of(cls, request: HttpRequest) -> Query:
        """Read the query of a GET or the form of a POST."""
        text = request.body.decode(errors="replace") if request.body else urlsplit(request.target).query
        parameters = dict(parse_qsl(text, keep_blank_values=True))
        return cls(parameters.pop("Action", ""), parameters.pop("Version", ""), parameters)

    @property
    def service(self) -> str:
        """`sts` or `iam`."""
        return SERVICES.get(self.version, "sts")

    def shown_parameters(self) -> dict[str, str]:
        """Return the parameters with codes and what signs in hidden."""
        return self.parameters | {name: "<hidden>" for name in _HIDDEN if name in self.parameters}

    def answered(self, result: Result) -> Reply:
        """Return the reply that carries `result`."""
        request_id = str(uuid4())
        return _xml(200, reply_xml(self.service, self.action, result, request_id), request_id)

    def refused(self, refusal: AwsError) -> Reply:
        """Return the reply that carries `refusal`."""
        request_id = str(uuid4())
        return _xml(refusal.status, error_xml(self.service, refusal, request_id), request_id)


def perform(cloud: Cloud, request: HttpRequest, query: Query, now: float) -> tuple[str, Reply]:
    """Check and carry out a request; return the verdict (`OK` or AWS's error code) and the reply.

    Without an action there is nothing to refuse: AWS sends such a visitor to a page about IAM.
    """
    if is_signin(request):
        return perform_signin(cloud, query.action, query.parameters, now)
    if not query.action and request.header("Authorization") is None:
        return "OK", _NO_ACTION
    try:
        if request.header("Authorization") is None:
            raise missing_authentication_token()
        caller = authenticate(cloud, request, query.service, now)
        action = ACTIONS[query.service].get(query.action)
        if action is None or query.version not in SERVICES:
            raise invalid_action(query.action, query.version)
        return "OK", query.answered(action(Invocation(cloud, caller, Parameters(query.parameters), now)))
    except AwsError as refusal:
        return refusal.code, query.refused(refusal)


def _xml(status: int, body: bytes, request_id: str) -> Reply:
    return Reply(status, body, {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})
