"""The replies of AWS's query protocol: XML in each service's own namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    from vaultpy.simulated.aws_errors import AwsError

Result: TypeAlias = "Mapping[str, Result | None] | Sequence[Result] | str | int | bool"

NAMESPACES = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}
SERVER_FAULT = 500


def timestamp(epoch: float) -> str:
    """Return the time `epoch` (seconds) as AWS writes it: ISO 8601 in UTC, whole seconds."""
    return datetime.fromtimestamp(int(epoch), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def reply_xml(service: str, action: str, result: Result, request_id: str) -> bytes:
    """Return the reply to a call that was answered; fields that are None, and no result, are left out."""
    element = f"  <{action}Result>{_element(result)}</{action}Result>\n" if result else ""
    return (
        f'<{action}Response xmlns="{NAMESPACES[service]}">\n'
        f"{element}"
        f"  <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\n"
        f"</{action}Response>\n"
    ).encode()


def error_xml(service: str, refusal: AwsError, request_id: str) -> bytes:
    """Return the reply to a call that was refused."""
    blamed = "Receiver" if refusal.status >= SERVER_FAULT else "Sender"
    return (
        f'<ErrorResponse xmlns="{NAMESPACES[service]}">\n'
        f"  <Error><Type>{blamed}</Type><Code>{refusal.code}</Code>"
        f"<Message>{escape(refusal.message, quote=False)}</Message></Error>\n"
        f"  <RequestId>{request_id}</RequestId>\n"
        "</ErrorResponse>\n"
    ).encode()


def _element(value: Result) -> str:
    if isinstance(value, Mapping):
        return "".join(
            f"<{name}>{_element(part)}</{name}>" for name, part in value.items() if part is not None
        )
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int)):
        return escape(str(value), quote=False)
    return "".join(f"<member>{_element(part)}</member>" for part in value)
