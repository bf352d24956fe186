"""The text of a session, as the places keep it."""

from __future__ import annotations

from vaultpy.credentials import Credentials
from vaultpy.values import Secret

_FORMAT = "vaultpy session 1"
_LINES = 7
_MOST_DIGITS = 15  # more than epochs have, and what a float holds


def render(credentials: Credentials, made_for: int, guard: str) -> str:
    """Return the text of `credentials`, made for so many seconds, that answer the question of `guard`."""
    return "\n".join(
        (
            _FORMAT,
            guard,
            credentials.access_key_id,
            credentials.secret_access_key.reveal(),
            credentials.session_token.reveal(),
            str(credentials.expiration),
            str(made_for),
        )
    )


def parse(text: str, guard: str) -> tuple[Credentials, int] | None:
    """Return the credentials and the seconds they were made for; None for what `render` does not write."""
    lines = text.split("\n")
    if len(lines) != _LINES or lines[:2] != [_FORMAT, guard] or not all(lines):
        return None
    key_id, secret, token, expiration, made_for = lines[2:]
    try:
        return Credentials(key_id, Secret(secret), Secret(token), number(expiration)), number(made_for)
    except ValueError:
        return None


def number(text: str) -> int:
    """Return the whole number that `text` is; ValueError where it is none, or too large for any time."""
    if len(text) > _MOST_DIGITS:
        raise ValueError
    return int(text)
