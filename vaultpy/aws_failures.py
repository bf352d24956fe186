"""What it means that AWS gave no answer, by whether anything that matters can have left this computer."""

from __future__ import annotations

import ssl
from http.client import InvalidURL
from typing import TYPE_CHECKING

from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.exceptions import ConnectTimeoutError, HTTPClientError, SSLError

from vaultpy import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)  # which one it is depends on Python and OpenSSL
_DEEPEST = 10
_LONGEST = 120
_MALFORMED = "its address or the proxy's is malformed"


def not_answered(failure: Exception, host: str, *, under_way: bool) -> errors.VaultpyError:
    """Return the error for a request to `host` that ended in botocore's `failure`.

    `under_way` tells that the body, with the code in it, was on its way when it failed. From then on,
    whatever went wrong, the code may have arrived: TLS fails while an answer is read, too.
    """
    innermost = list(_chain(failure))[-1]
    reason = _reason(failure)
    if isinstance(innermost, TypeError):  # urllib3 prepares for a 303, stumbling over botocore's headers
        return errors.AnswerMalformed(host=host, reason="a redirect")
    if under_way:
        return errors.NoAnswer(host=host, reason=reason)
    if isinstance(failure, SSLError) and not isinstance(innermost, _ENDED):
        return errors.TlsFailed(host=host, reason=reason)
    if isinstance(failure, (BotocoreConnectionError, HTTPClientError)):
        return errors.Unreachable(host=host, reason=reason)
    return errors.AwsRefused(code=type(failure).__name__, reason="boto3 would not send the request")


def unreachable(failure: Exception, host: str) -> errors.Unreachable:
    """Return the error for a request that carried nothing that could be spent."""
    return errors.Unreachable(host=host, reason=_reason(failure))


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """Yield an exception of botocore's and what it wraps, which it does in several ways."""
    for _ in range(_DEEPEST):
        yield failure
        kwargs = getattr(failure, "kwargs", {})
        wrapped = (kwargs.get("error"), getattr(failure, "reason", None), *reversed(failure.args))
        inner = next((it for it in wrapped if isinstance(it, BaseException)), failure.__cause__)
        if inner is None:
            return
        failure = inner


def _reason(failure: Exception) -> str:
    """Return the innermost cause in a few words, without URLs, of which a proxy's may hold a password."""
    chain = list(_chain(failure))
    inner = chain[-1]
    if inner is failure and isinstance(failure, ConnectTimeoutError):
        return "no connection within the time"
    if not isinstance(failure, SSLError) and any(map(_quotes_an_address, chain)):
        return _MALFORMED
    text = getattr(inner, "verify_message", "") or getattr(inner, "strerror", "") or str(inner)
    return text.rpartition(": ")[2][:_LONGEST].rstrip(".").lower() or type(inner).__name__


def _quotes_an_address(failure: BaseException) -> bool:
    """Tell whether it is a parser's complaint: urllib3's, urllib's and the codecs' are ValueErrors."""
    return isinstance(failure, (ValueError, InvalidURL)) and not isinstance(failure, OSError)
