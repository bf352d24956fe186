"""What the endpoint answers: credentials as the SDKs read them, or why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.credentials_json import fields_of, members
from vaultpy.values import Value

if TYPE_CHECKING:
    from vaultpy.credentials import Credentials
    from vaultpy.errors import VaultpyError


class Answer(Value):
    """A status of HTTP, and a document of JSON that may hold a secret."""

    __slots__ = ("body", "status")
    status: int
    body: bytes

    def __init__(self, status: int, fields: dict[str, str]) -> None:
        """Render `fields`, whose names need no quoting."""
        self._set(status=status, body=f"{{{members(fields)}}}".encode("ascii"))

    def __repr__(self) -> str:
        return f"Answer({self.status})"


def handing_over(credentials: Credentials, account_id: str | None) -> Answer:
    """Return the answer with `credentials`; `account_id` stands in it where it is known."""
    return Answer(200, fields_of(credentials, account_id, "Token"))


def refusing(status: int, code: str, message: str) -> Answer:
    """Return the answer to a request that gets nothing.

    The names stand there twice: the SDKs for Go and Java read them in small letters, JavaScript's with
    capitals. botocore shows the document as it is.
    """
    return Answer(status, {"code": code, "message": message, "Code": code, "Message": message})


def failing(error: VaultpyError) -> Answer:
    """Return the answer where there are no credentials now, with the error's two lines."""
    return refusing(503, type(error).__name__, f"{error.message}; {error.hint}")
