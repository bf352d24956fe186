"""What AWS's refusals mean: from its codes and words to the errors that tell a user what to do.

AWS documents few of its texts; those looked for here were read in public reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUSY = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "ServiceUnavailable",
        "ConcurrentModification",  # IAM is busy with the same user or device, as the next one says too
        "EntityTemporarilyUnmodifiable",
    }
)
_KEY_UNKNOWN = frozenset(
    {"InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"}
)
_DENIALS = (
    ("invalid MFA one time pass code", errors.CodeRefused),
    ("unable to validate MFA code", errors.MfaDeviceRefused),
    ("perform: sts:AssumeRole on", errors.RoleDenied),
)


def refusal(code: str, text: str, facts: Mapping[str, object], *, by_session: bool) -> errors.VaultpyError:
    """Return the error for AWS's `code` and `text`; `by_session` tells that temporary credentials signed."""
    return _kind(code, text, by_session=by_session)(**{**facts, "code": code, "reason": text})


def _kind(code: str, text: str, *, by_session: bool) -> type[errors.VaultpyError]:
    kind: type[errors.VaultpyError] = errors.AwsRefused
    if code in _BUSY:
        kind = errors.AwsBusy
    elif code in _KEY_UNKNOWN:
        kind = errors.SessionRefused if by_session else errors.AccessKeyRefused
    elif code == "SignatureDoesNotMatch" and "the signature you provided" in text:
        kind = errors.SessionRefused if by_session else errors.SecretWrong
    elif code in {"AccessDenied", "AccessDeniedException"}:
        kind = next((denial for words, denial in _DENIALS if words in text), kind)
    elif code == "RegionDisabledException":
        kind = errors.RegionOff
    elif code == "ValidationError" and "durationseconds" in text.lower():
        kind = errors.DurationRefused
    return kind
