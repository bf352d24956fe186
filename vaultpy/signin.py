"""AWS's sign-in: temporary credentials -> what the console's address is made of.

The HTTP is botocore's, so that proxies, certificates and time limits are those of all other calls. The
credentials go in a request's body, where no proxy's log has them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from vaultpy import errors
from vaultpy.aws_failures import not_answered
from vaultpy.background import Task
from vaultpy.endpoints import is_loopback
from vaultpy.tls_inspection import ca_bundle
from vaultpy.trace import trace
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import Credentials

CONNECT_SECONDS = 5
READ_SECONDS = 10
LIMIT_SECONDS = 20.0
LARGEST_ANSWER = 64 * 1024
_OK = 200
_REFUSALS = {400, 401, 403}
_SERVER_ERROR = 500


class Signin:
    """One sign-in endpoint: `https://HOST`, without the path."""

    def __init__(
        self,
        endpoint: str,
        settings: Mapping[str, str],
        environ: Mapping[str, str],
        limit: float = LIMIT_SECONDS,
    ) -> None:
        """Of a profile's `settings` ca_bundle is heeded; an answer takes `limit` seconds at the most."""
        self._url = f"{endpoint}/federation"
        self.host = urlsplit(endpoint).hostname or ""
        self._verify = ca_bundle(settings, environ) or True
        self._limit = limit

    def token(self, credentials: Credentials, seconds: int | None, profile: str) -> Secret:
        """Return the sign-in token of `credentials`, for a console's session of `seconds`.

        Raises SigninRefused, AwsBusy, AnswerMalformed, Unreachable, TlsFailed and NoAnswer.
        """
        session = {
            "sessionId": credentials.access_key_id,
            "sessionKey": credentials.secret_access_key.reveal(),
            "sessionToken": credentials.session_token.reveal(),
        }
        form = {"Action": "getSigninToken", "Session": json.dumps(session)}
        if seconds is not None:
            form["SessionDuration"] = str(seconds)
        trace(f"getSigninToken at {self.host}, for {credentials.access_key_id}")
        task = Task(lambda: self._post(urlencode(form).encode()))
        if not task.finished(self._limit):
            task.abandon(_forget)
            raise errors.NoAnswer(host=self.host, reason=f"no whole answer within {self._limit:g} s")
        outcome = task.result()
        if isinstance(outcome, Exception):
            raise not_answered(outcome, self.host, under_way=False)
        status, body = outcome
        if status in _REFUSALS:
            raise errors.SigninRefused(host=self.host, reason=f"HTTP status {status}", profile=profile)
        if status >= _SERVER_ERROR:
            raise errors.AwsBusy(reason=f"{self.host}: HTTP status {status}")
        return self._token_in(status, body)

    def _post(self, body: bytes) -> tuple[int, bytes] | Exception:
        """Return status and content, or what went wrong; raised, that would carry the request's secrets."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "vaultpy"}
        request = AWSRequest(method="POST", url=self._url, data=body, headers=headers).prepare()
        request.stream_output = True
        proxies = {} if is_loopback(self._url) else get_environ_proxies(self._url)
        session = URLLib3Session(
            verify=self._verify, proxies=proxies, timeout=(CONNECT_SECONDS, READ_SECONDS)
        )
        try:
            answer = session.send(request)
            content = bytearray()
            for piece in answer.raw.stream(4096):
                content += piece
                if len(content) > LARGEST_ANSWER:
                    break
            return answer.status_code, bytes(content)
        except Exception as failure:  # noqa: BLE001  # urllib3's own too, while an answer is read
            return failure
        finally:
            session.close()

    def _token_in(self, status: int, body: bytes) -> Secret:
        try:
            token = json.loads(body)["SigninToken"] if status == _OK and len(body) <= LARGEST_ANSWER else None
        except (ValueError, TypeError, KeyError, RecursionError):
            token = None
        if not (isinstance(token, str) and token and token.isascii() and token.isprintable()):
            raise errors.AnswerMalformed(host=self.host, reason=f"HTTP status {status}, and no SigninToken")
        return Secret(token)


def _forget(_outcome: object) -> None:
    """Take no notice of an answer that came too late."""
