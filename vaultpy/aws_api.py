"""boto3, for `sts.py` and `iam.py`: clients that vaultpy alone configures, and AWS's refusals put into words.

The one module that imports boto3. A client here reads credentials from nowhere and no file of AWS's, never
retries (a retry can send a spent MFA code again), follows no redirect (botocore does so for S3 alone) and no
configured endpoint that was not passed in.
"""

from __future__ import annotations

import os
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore
from botocore.exceptions import ClientError, HTTPClientError, InvalidRegionError
from botocore.session import Session

from vaultpy import errors
from vaultpy.aws_body import LARGEST_ANSWER, Body, Bounded, TooLongError
from vaultpy.aws_calls import Calls, Signers
from vaultpy.aws_client_config import botocores_models, client_config
from vaultpy.aws_failures import not_answered, unreachable
from vaultpy.aws_refusals import refusal
from vaultpy.background import within
from vaultpy.credentials import AccessKey, DayKey
from vaultpy.day_key_signer import SIGNATURE_VERSION, in_place_of_secret
from vaultpy.endpoints import host_of, is_trusted
from vaultpy.regions import check_region
from vaultpy.text import clock_wrong
from vaultpy.tls_inspection import ca_bundle
from vaultpy.trace import trace
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

    from vaultpy.aws_calls import Call
    from vaultpy.credentials import Signs

LIMIT_SECONDS = 60.0  # for a whole answer: what a read may take begins anew with each of its bytes
_LONGEST_REASON = 300
_LENT_BOOLEANS = (
    ("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT"),
    ("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT"),
)
_SERVER_ERROR = 500


class AwsClient:
    """One boto3 client for every signer, so that one connection serves them all; threads may share it."""

    def __init__(
        self,
        service: str,
        region: str,
        endpoint_url: str | None,
        settings: Mapping[str, str],
        limit: float = LIMIT_SECONDS,
    ) -> None:
        """Build it: 40 to 100 ms. Of a profile's `settings` ca_bundle, FIPS and dual stack are heeded.

        An answer takes `limit` seconds at the most. Raises RegionUnknown and EndpointMalformed.
        """
        check_region(region)
        session = _session(settings)
        self._calls = Calls()
        session.register_component("credential_provider", Signers(self._calls))
        try:
            self._client: Any = boto3.Session(botocore_session=session).client(
                service, region_name=region, endpoint_url=endpoint_url, config=client_config(endpoint_url, 1)
            )
        except InvalidRegionError:
            raise errors.RegionUnknown(region=region) from None
        except ValueError:
            raise errors.EndpointMalformed(url=endpoint_url) from None
        self.region = region
        self.host = urlsplit(self._client.meta.endpoint_url).hostname or ""
        self._endpoint_url = endpoint_url
        self._limit = limit
        events = self._client.meta.events
        events.register("choose-signer", self._choose_signer)
        events.register("before-send", self._transmit)

    @property
    def _call(self) -> Call:
        return self._calls.own

    def _choose_signer(self, **_: object) -> object:
        return botocore.UNSIGNED if self._call.unsigned else self._call.signature_version

    def _transmit(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Send in botocore's place: the answer is read up to a limit, which botocore does not know.

        And only here is the address final: rules that botocore finds in files make it of region and settings.
        """
        if not self._may_go_to(request.url):
            raise _ElsewhereError(host_of(request.url))
        request.stream_output = True
        call = self._call
        request.body = call.body = Body(request.body.encode())  # the query protocol's, a text
        for name, value in list(request.headers.items()):
            if isinstance(value, bytes):  # over which urllib3 trips, leaving the connection open, at a 303
                request.headers[name] = value.decode("latin-1")
        session = self._client._endpoint.http_session  # noqa: SLF001  # botocore has no public way to its session
        try:
            return within(self._limit, lambda: _read(session.send(request), call))
        except TimeoutError as failure:
            raise HTTPClientError(error=failure) from failure

    def _may_go_to(self, url: str) -> bool:
        if is_trusted(url):
            return True
        return self._endpoint_url is not None and host_of(url) == host_of(self._endpoint_url)

    def call(
        self,
        operation: str,
        signer: Signs,
        parameters: Mapping[str, object],
        facts: Mapping[str, object],
    ) -> dict[str, Any]:
        """Make one signed call, once; raises the error that tells the user what AWS's refusal means.

        A parameter may be a Secret. Raises DayKeyOver for a day key of another day.
        """
        self._call.signature_version = SIGNATURE_VERSION if isinstance(signer, DayKey) else None
        if isinstance(signer, AccessKey):
            key_id, secret, token = signer.id, signer.secret, None
        elif isinstance(signer, DayKey):
            key_id, secret, token = signer.access_key_id, in_place_of_secret(signer, time.time()), None
        else:
            key_id, secret, token = signer.access_key_id, signer.secret_access_key, signer.session_token
        self._call.sign_with(key_id, secret, token)
        trace(f"{operation} to {self.host}, signed with {key_id}, {', '.join(parameters) or 'no parameters'}")
        try:
            answer = self._attempt(operation, parameters)
        finally:
            self._call.forget()
        if isinstance(answer, dict):
            return answer
        known = {"profile": "", "user": "", **facts, "key_id": key_id, "region": self.region}
        failure = self._meaning(answer, known, by_session=token is not None)
        trace(f"{operation} failed: {type(failure).__name__}, HTTP status {self._call.status}")
        raise failure

    def date(self) -> float:
        """Return AWS's time as an epoch, from the Date header of a request that carries no credentials.

        What the answer says otherwise does not matter. Raises Unreachable and TlsFailed, and AnswerMalformed
        for an answer without a date.
        """
        self._call.unsigned, self._call.date = True, None
        answer = self._attempt("get_caller_identity", {})
        self._call.unsigned = False
        found = self._aws_time()
        if found is not None:
            return found
        if isinstance(answer, Exception) and not self._call.status:
            failure = self._not_answered(answer)
            raise unreachable(answer, self.host) if isinstance(failure, errors.NoAnswer) else failure
        raise errors.AnswerMalformed(host=self.host, reason="no date")

    def _attempt(self, operation: str, parameters: Mapping[str, object]) -> dict[str, Any] | Exception:
        """Return the answer, or what botocore raised.

        What is raised in its stead is raised later, so that it has no `__context__`: botocore's exceptions
        hold the request, with the code and the session token in it.
        """
        self._call.status, self._call.body = 0, Body()
        try:
            revealed = {k: v.reveal() if isinstance(v, Secret) else v for k, v in parameters.items()}
            answer: dict[str, Any] = getattr(self._client, operation)(**revealed)
        except Exception as failure:  # noqa: BLE001  # whatever a stranger's answer makes botocore trip over
            return failure
        return answer

    def _aws_time(self) -> float | None:
        try:
            return parsedate_to_datetime(self._call.date or "").timestamp()
        except (TypeError, ValueError, OverflowError, IndexError):
            return None

    def _meaning(
        self, failure: Exception, facts: dict[str, object], *, by_session: bool
    ) -> errors.VaultpyError:
        if not isinstance(failure, ClientError):
            if self._call.status and not isinstance(failure, HTTPClientError):
                reason = f"HTTP status {self._call.status}, {_what_is_wrong(failure)}"
                return errors.AnswerMalformed(host=self.host, reason=reason)
            return self._not_answered(failure)
        error = failure.response.get("Error") or {}
        code, text = (str(error.get(part, ""))[:_LONGEST_REASON] for part in ("Code", "Message"))
        if self._call.status >= _SERVER_ERROR:
            return errors.AwsBusy(reason=code)
        aws_time = self._aws_time()
        if code == "SignatureDoesNotMatch" and text.startswith("Signature ") and aws_time is not None:
            return clock_wrong(aws_time - time.time())
        return refusal(code, text, facts, by_session=by_session)

    def _not_answered(self, failure: Exception) -> errors.VaultpyError:
        if isinstance(failure, _ElsewhereError):
            return errors.EndpointUnconfirmed(host=str(failure))
        return not_answered(failure, self.host, under_way=self._call.body.under_way)


def _read(answer: AWSResponse, call: Call) -> AWSResponse:
    call.status, call.date = answer.status_code, answer.headers.get("Date")
    answer.raw = Bounded(answer.raw)
    try:
        len(answer.content)
    except TooLongError:
        raise
    except Exception as failure:
        raise HTTPClientError(error=failure) from failure
    return answer


class _ElsewhereError(Exception):
    """A request that would go to a host that is neither AWS's nor the one that was confirmed."""


def _session(settings: Mapping[str, str]) -> Session:
    """Return a session that reads neither AWS_PROFILE nor AWS's files, nor service models but botocore's own.

    A profile's `settings` give way to the variables of the same meaning.
    """
    session = Session(session_vars={"profile": (None, None, None, None)})
    session.register_component("data_loader", botocores_models())
    session.set_config_variable("config_file", os.devnull)
    session.set_config_variable("credentials_file", os.devnull)
    session.set_config_variable("sts_regional_endpoints", "regional")
    session.set_config_variable("ca_bundle", ca_bundle(settings, os.environ) or True)
    for key, variable in _LENT_BOOLEANS:
        if settings.get(key) and not os.environ.get(variable):
            session.set_config_variable(key, settings[key].lower() == "true")
    return session


def _what_is_wrong(failure: Exception) -> str:
    if isinstance(failure, TooLongError):
        return f"over {LARGEST_ANSWER // 1024} kB"
    return "not what AWS writes"
