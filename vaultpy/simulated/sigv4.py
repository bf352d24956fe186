"""Signature Version 4, from the side that checks it.

The canonical request is made anew from the bytes that arrived, never from what a client says that it signed.
Source: "Signature Version 4 for API requests" in the IAM User Guide.
"""

from __future__ import annotations

import hmac
import re
from calendar import timegm
from dataclasses import dataclass
from hashlib import sha256
from time import gmtime, strftime, strptime
from urllib.parse import quote, unquote, urlsplit

from vaultpy.simulated.aws_errors import incomplete_signature, signature_does_not_match

ALGORITHM = "AWS4-HMAC-SHA256"
STAMP = "%Y%m%dT%H%M%SZ"
TOLERANCE = 15 * 60  # seconds, of STS and IAM; some other services allow less

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<key_id>\w+)/(?P<date>\d{{8}})/(?P<region>[\w-]+)/(?P<service>[\w-]+)"
    r"/aws4_request, *SignedHeaders=(?P<headers>[\w;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came off the wire; `target` is the request line's path and query, unchanged."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header_values(self, name: str) -> list[str]:
        """Return each value of the header `name`, in the order of arrival."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return the first value of the header `name`, None without one."""
        return next(iter(self.header_values(name)), None)


@dataclass(frozen=True)
class Authorization:
    """A parsed Authorization header together with the time stamp that was signed."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    stamp: str

    @classmethod
    def of(cls, request: HttpRequest) -> Authorization:
        """Read the header; raises AwsError where a part is missing, malformed or not signed."""
        parts = _AUTHORIZATION.fullmatch(request.header("Authorization") or "")
        if parts is None:
            raise incomplete_signature(
                "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters."
            )
        stamp = request.header("X-Amz-Date") or ""
        if not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
            raise incomplete_signature(f"Date must be in ISO-8601 'basic format'. Got '{stamp}'.")
        signed = tuple(parts["headers"].split(";"))
        for header in ("host", "x-amz-date", "x-amz-security-token"):
            if header not in signed and request.header(header) is not None:
                raise signature_does_not_match(
                    f"'{header}' must be a 'SignedHeader' in the AWS Authorization."
                )
        if parts["date"] != stamp[:8]:
            raise signature_does_not_match(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{parts['date']}' != '{stamp[:8]}', from '{stamp}'."
            )
        return cls(
            parts["key_id"],
            parts["date"],
            parts["region"],
            parts["service"],
            signed,
            parts["signature"],
            stamp,
        )

    def check_time(self, now: float) -> None:
        """Raise AwsError unless the stamp lies within 15 minutes of `now` (epoch seconds; unproven A20)."""
        try:
            signed_at = timegm(strptime(self.stamp, STAMP))
        except ValueError:
            raise incomplete_signature(
                f"Date must be in ISO-8601 'basic format'. Got '{self.stamp}'."
            ) from None
        here = strftime(STAMP, gmtime(now))
        if signed_at < int(now) - TOLERANCE:
            limit = strftime(STAMP, gmtime(now - TOLERANCE))
            raise signature_does_not_match(
                f"Signature expired: {self.stamp} is now earlier than {limit} ({here} - 15 min.)"
            )
        if signed_at > int(now) + TOLERANCE:
            limit = strftime(STAMP, gmtime(now + TOLERANCE))
            raise signature_does_not_match(
                f"Signature not yet current: {self.stamp} is still later than {limit} ({here} + 15 min.)"
            )

    def check_signature(self, request: HttpRequest, secret: str) -> None:
        """Raise AwsError unless `secret` signed exactly this request."""
        scope = f"{self.date}/{self.region}/{self.service}/aws4_request"
        digest = sha256(canonical_request(request, self.signed_headers).encode()).hexdigest()
        key = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        expected = hmac.new(key, f"{ALGORITHM}\n{self.stamp}\n{scope}\n{digest}".encode(), sha256).hexdigest()
        if not hmac.compare_digest(expected, self.signature):
            raise signature_does_not_match()


def access_key_id_of(request: HttpRequest) -> str | None:
    """Return the access key id that `request` names, empty if unreadable, None if nobody signed it."""
    header = request.header("Authorization")
    if header is None:
        return None
    named = re.search(r"Credential=(\w+)", header)
    return named[1] if named else ""


def canonical_request(request: HttpRequest, signed_headers: tuple[str, ...]) -> str:
    """Return the canonical request: method, path, query, signed headers and the digest of the body."""
    target = urlsplit(request.target)
    query = sorted(
        tuple(quote(unquote(part), safe="-_.~") for part in pair.partition("=")[::2])
        for pair in target.query.split("&")
        if pair
    )
    headers = [
        f"{name}:{','.join(' '.join(value.split()) for value in request.header_values(name))}\n"
        for name in signed_headers
    ]
    return "\n".join(
        [
            request.method,
            quote(target.path or "/", safe="/~"),
            "&".join("=".join(pair) for pair in query),
            "".join(headers),
            ";".join(signed_headers),
            sha256(request.body).hexdigest(),
        ]
    )
