"""What the AWS SDKs read from a `credential_process`: one line of JSON, written without the json module."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import Credentials


def render(credentials: Credentials, account_id: str | None) -> str:
    """Return the document, version 1, in ASCII; `account_id` stands in it where it is known."""
    fields = fields_of(credentials, account_id, "SessionToken")
    return f'{{"Version": 1, {members(fields)}}}'


def fields_of(credentials: Credentials, account_id: str | None, token: str) -> dict[str, str]:
    """Return what an SDK reads, secrets included, by its names for it: the session token's is `token`."""
    fields = {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.reveal(),
        token: credentials.session_token.reveal(),
        "Expiration": credentials.expiration_text,
    }
    if account_id is not None:
        fields["AccountId"] = account_id
    return fields


def members(fields: Mapping[str, str]) -> str:
    """Return what stands between the braces of a JSON object; the names need no quoting."""
    return ", ".join(f'"{name}": {quoted(text)}' for name, text in fields.items())


def quoted(text: str) -> str:
    """Return `text` as a string of JSON (RFC 8259), in printable ASCII."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(c if " " <= c <= "~" else _escaped(c) for c in plain)
    return f'"{plain}"'


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join("\\u" + units[at : at + 4] for at in range(0, len(units), 4))
