"""STS: a request of the plan, and who signs it -> Credentials.

The client is built, and its connection opened, on a thread of its own while a person reaches for the key.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from vaultpy.credentials import Credentials
from vaultpy.errors import AnswerMalformed
from vaultpy.sts_requests import GetSessionToken
from vaultpy.text import clock_wrong
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from vaultpy.aws_api import AwsClient
    from vaultpy.credentials import LongTerm, Signs
    from vaultpy.mfa import TokenCode
    from vaultpy.sts_requests import Carried, Request

CLOCK_LIMIT_SECONDS = 15 * 60


class Sts:
    """STS in one region or at one endpoint; every method raises the errors of `aws_api`."""

    def __init__(
        self,
        region: str,
        endpoint_url: str | None,
        settings: Mapping[str, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Build nothing yet; of a profile's `settings` ca_bundle, FIPS and dual stack are heeded."""
        self._where = ("sts", region, endpoint_url, settings)
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._built: AwsClient | None = None
        self._offset = 0.0
        self._failure: tuple[BaseException, TracebackType | None] | None = None

    def prepare(self) -> None:
        """Begin to build the client and to ask AWS for the time, on a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._prepare, name="sts", daemon=True)
            self._thread.start()

    def _prepare(self) -> None:
        try:
            self._open()
        except BaseException as failure:  # noqa: BLE001  # raised again by check, on the caller's thread
            self._failure = failure, failure.__traceback__

    def _open(self) -> None:
        from vaultpy.aws_api import AwsClient

        if self._built is None:
            self._built = AwsClient(*self._where)
        self._offset = self._built.date() - self._clock()
        if abs(self._offset) > CLOCK_LIMIT_SECONDS:
            raise clock_wrong(self._offset)

    def check(self) -> None:
        """Raise what has gone wrong so far: no network, a certificate that is not trusted, a bad region."""
        failed = self._failure
        if failed is not None:
            failure, traceback = failed
            raise failure.with_traceback(traceback)

    def clock_offset(self) -> float:
        """Return by how many seconds AWS's clock is ahead of this one's; asks AWS once."""
        self._client()
        return self._offset

    def close(self) -> None:
        """Wait until the thread has come to its end, so that it never outlives the interpreter."""
        if self._thread is not None:
            self._thread.join()

    def _client(self) -> AwsClient:
        """Return the client; after a failure, which is raised here, the next call tries anew."""
        self.prepare()
        self.close()
        try:
            self.check()
        except BaseException:
            self._failure = self._thread = None
            raise
        if self._built is None:
            raise AssertionError("the thread ended with neither a client nor a failure")
        return self._built

    def caller_arn(self, signer: Signs) -> str:
        """Return the ARN that the key belongs to; works without any permission and without MFA."""
        answer = self._client().call("get_caller_identity", signer, {}, {"profile": ""})
        return str(_member(answer, "Arn", self._client().host))

    def federation_token(
        self, signer: LongTerm, name: str, policy_arn: str, seconds: int, facts: dict[str, object]
    ) -> Credentials:
        """Return credentials of the federated user `name`: what the signer may do and the policy allows."""
        parameters = {"Name": name, "PolicyArns": [{"arn": policy_arn}], "DurationSeconds": seconds}
        client = self._client()
        return _credentials(client.call("get_federation_token", signer, parameters, facts), client.host)

    def credentials(
        self,
        request: Request,
        signer: Signs,
        code: TokenCode | None,
        facts: dict[str, object],
    ) -> Credentials:
        """Send the request once. `facts` (profile, user) are for the message of a refusal."""
        parameters: dict[str, object] = {"DurationSeconds": request.duration}
        if code is not None:
            parameters |= {"SerialNumber": code.mfa_serial, "TokenCode": code.digits}
            facts = {**facts, "mfa_serial": code.mfa_serial}
        client = self._client()
        if isinstance(request, GetSessionToken):
            return _credentials(client.call("get_session_token", signer, parameters, facts), client.host)
        parameters |= {"RoleArn": request.role_arn, "RoleSessionName": request.session_name}
        if request.external_id is not None:
            parameters["ExternalId"] = request.external_id
        parameters |= _carried(request.carried)
        answer = client.call("assume_role", signer, parameters, {**facts, "role": request.role_arn})
        return _credentials(answer, client.host)


def _carried(carried: Carried) -> dict[str, object]:
    parameters: dict[str, object] = {}
    if carried.tags:
        parameters["Tags"] = [{"Key": key, "Value": value} for key, value in carried.tags]
    if carried.transitive_tags:
        parameters["TransitiveTagKeys"] = list(carried.transitive_tags)
    if carried.source_identity:
        parameters["SourceIdentity"] = carried.source_identity
    return parameters


def _member(answer: dict[str, Any], name: str, host: str) -> Any:  # noqa: ANN401  # botocore's own type
    value = answer.get(name)
    if not value:
        raise AnswerMalformed(host=host, reason=f"no {name}")
    return value


def _credentials(answer: dict[str, Any], host: str) -> Credentials:
    found = _member(answer, "Credentials", host)
    texts = [_member(found, name, host) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    if not all(isinstance(text, str) and text.isascii() and text.isprintable() for text in texts):
        raise AnswerMalformed(host=host, reason="credentials that no environment can hold")
    key_id, secret, token = texts
    expiration = _member(found, "Expiration", host)
    return Credentials(key_id, Secret(secret), Secret(token), int(expiration.timestamp()))
