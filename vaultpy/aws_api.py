"""boto3, for `sts.py` and `iam.py`: clients that vaultpy alone configures, and AWS's refusals put into words.

The one module that imports boto3. A client here never reads credentials from anywhere, never retries (a retry
can send a spent MFA code again) and never follows a configured endpoint that was not passed in.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidRegionError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.session import Session

from vaultpy import errors
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.text import clock_wrong
from vaultpy.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONNECT_SECONDS = 5
READ_SECONDS = 10
_BAD_CODE = "invalid MFA one time pass code"
_BAD_SERIAL = "unable to validate MFA code"
_BUSY = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "ServiceUnavailable"})
_SERVER_ERROR = 500


class AwsClient:
    """One boto3 client whose signer is exchanged before each call, so that one connection serves them all."""

    def __init__(self, service: str, region: str, endpoint_url: str | None, profile: str | None) -> None:
        """Build it: 40 to 100 ms. `profile` only lends its ca_bundle, FIPS and dual-stack settings."""
        session = Session(session_vars={"profile": (None, None, None, None)}, profile=profile)
        session.set_config_variable("sts_regional_endpoints", "regional")
        session.set_credentials("unset", "unset")
        self._keys = session.get_credentials()
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1},
            ignore_configured_endpoint_urls=True,
            user_agent_extra="vaultpy",
        )
        try:
            self._client: Any = boto3.Session(botocore_session=session).client(
                service, region_name=region, endpoint_url=endpoint_url, config=config
            )
        except (InvalidRegionError, ValueError):
            raise errors.RegionUnknown(region=region) from None
        self.region = region
        self.host = urlsplit(self._client.meta.endpoint_url).hostname or ""
        self._unsigned = False
        self._client.meta.events.register("choose-signer", self._choose_signer)

    def _choose_signer(self, **_: object) -> object:
        return botocore.UNSIGNED if self._unsigned else None

    def call(
        self, operation: str, signer: AccessKey | Credentials, parameters: Mapping[str, object], facts: Facts
    ) -> dict[str, Any]:
        """Make one signed call, once; raises the error that tells the user what AWS's refusal means."""
        if isinstance(signer, AccessKey):
            key_id, secret, token = signer.id, signer.secret, None
        else:
            key_id, secret, token = signer.access_key_id, signer.secret_access_key, signer.session_token
        self._keys.access_key = key_id
        self._keys.secret_key = secret.reveal()
        self._keys.token = token.reveal() if token else None
        trace(f"{operation} to {self.host}, signed with {key_id}, {', '.join(parameters) or 'no parameters'}")
        try:
            return self._answer(getattr(self._client, operation), parameters)
        except ClientError as error:
            trace(f"{operation} was refused: {error.response.get('Error', {}).get('Code', '')}")
            _refuse(error, {**facts, "key_id": key_id, "region": self.region, "host": self.host})
        finally:
            self._keys.access_key = self._keys.secret_key = self._keys.token = None

    def date(self) -> float:
        """Return AWS's time as an epoch, from the Date header of a request that carries no credentials."""
        self._unsigned = True
        try:
            answer = self._answer(self._client.get_caller_identity, {})
        except ClientError as error:
            answer = error.response
        finally:
            self._unsigned = False
        return _date_of(answer, self.host)

    def _answer(
        self, operation: Callable[..., dict[str, Any]], parameters: Mapping[str, object]
    ) -> dict[str, Any]:
        """Call, and translate whatever is not an answer of AWS's."""
        try:
            return operation(**parameters)
        except ClientError:
            raise
        except SSLError as error:
            raise errors.TlsFailed(host=self.host, reason=_reason(error)) from None
        except (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError) as error:
            raise errors.Unreachable(host=self.host, reason=_reason(error)) from None
        except (ConnectionClosedError, ReadTimeoutError, HTTPClientError) as error:
            raise errors.NoAnswer(host=self.host, reason=_reason(error)) from None
        except (BotoCoreError, ValueError, TypeError, KeyError) as error:
            raise errors.AnswerMalformed(host=self.host, reason=type(error).__name__) from None


if TYPE_CHECKING:
    Facts = dict[str, object]


def _reason(error: BotoCoreError) -> str:
    """Return the innermost cause in a few words, without the URL and its parameters."""
    inner = error.kwargs.get("error", error)
    while isinstance(getattr(inner, "reason", None), Exception):
        inner = inner.reason
    text = getattr(inner, "strerror", None) or str(inner).rpartition(": ")[2]
    return str(text)[:120].rstrip(".").lower() or type(error).__name__


def _date_of(answer: Mapping[str, Any], host: str) -> float:
    try:
        header = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return parsedate_to_datetime(header).timestamp()
    except (KeyError, TypeError, ValueError):
        raise errors.AnswerMalformed(host=host, reason="no date") from None


def _refuse(error: ClientError, facts: Facts) -> NoReturn:
    """Raise what AWS's refusal means."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _BUSY or status >= _SERVER_ERROR:
        raise errors.AwsBusy(reason=code) from None
    if code == "SignatureDoesNotMatch":
        _refuse_signature(error, text, facts)
    if code in {"AccessDenied", "AccessDeniedException"}:
        _refuse_access(text, facts)
    if code == "RegionDisabledException":
        raise errors.RegionOff(**facts) from None
    if code in {"InvalidClientTokenId", "ExpiredToken", "UnrecognizedClientException"}:
        raise errors.AccessKeyRefused(**facts) from None
    if code == "ValidationError" and "durationseconds" in text.lower():
        raise errors.DurationRefused(reason=text) from None
    raise errors.AwsRefused(code=code, reason=text) from None


def _refuse_signature(error: ClientError, text: str, facts: Facts) -> NoReturn:
    if text.startswith("Signature "):
        raise clock_wrong(_date_of(error.response, str(facts["host"])) - time.time()) from None
    raise errors.SecretWrong(**facts) from None


def _refuse_access(text: str, facts: Facts) -> NoReturn:
    if _BAD_CODE in text:
        raise errors.CodeRefused(**facts) from None
    if _BAD_SERIAL in text:
        raise errors.MfaDeviceRefused(**facts) from None
    if "sts:AssumeRole" in text:
        raise errors.RoleDenied(**facts) from None
    raise errors.AwsRefused(code="AccessDenied", reason=text) from None
