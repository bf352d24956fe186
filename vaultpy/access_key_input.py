"""An access key as other programs write it: the console's CSV, the CLI's JSON, aws-vault's export."""

from __future__ import annotations

from vaultpy.credentials import AccessKey
from vaultpy.errors import BadKeyInput
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 64 * 1024
_SHORTEST_ID, _LONGEST_ID = 16, 128
_NOTHING = ("", "", "")
_FORMS = "give the console's accessKeys.csv, the JSON of aws iam create-access-key, or aws-vault's export"


def from_environment(environ: Mapping[str, str]) -> AccessKey:
    """Return the key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; raises BadKeyInput."""
    where = "the environment"
    return _access_key(
        where,
        environ.get("AWS_ACCESS_KEY_ID", ""),
        environ.get("AWS_SECRET_ACCESS_KEY", ""),
        environ.get("AWS_SESSION_TOKEN", ""),
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a user's long-term key",
    )


def from_bytes(data: bytes, where: str = "standard input") -> AccessKey:
    """Return the key in what was read from `where`; raises BadKeyInput."""
    text = _decoded(data)
    if len(data) > MAX_BYTES:
        raise BadKeyInput(where=where, problem="it is longer than 64 KiB", remedy=_FORMS)
    if text is None:
        raise BadKeyInput(where=where, problem="it is not UTF-8 text", remedy=_FORMS)
    found = [_json(text)] if text.startswith("{") else (_variables(text) or _csv(text))
    if len(found) > 1:
        problem = f"it holds {len(found)} keys"
        raise BadKeyInput(where=where, problem=problem, remedy="leave its header and the row of one key")
    return _access_key(where, *(found[0] if found else _NOTHING), _FORMS)


def _decoded(data: bytes) -> str | None:
    """Return `data` as text; None, and no exception with the data in it, for what is none."""
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return None


def typed(key_id: str, secret: Secret) -> AccessKey:
    """Return the key that a person typed; raises BadKeyInput."""
    remedy = "paste both as the console shows them: the id begins with AKIA"
    return _access_key("what was typed", key_id, secret.reveal(), "", remedy)


def from_settings(settings: Mapping[str, str], where: str) -> AccessKey:
    """Return the key that a section of AWS's files holds in clear; raises BadKeyInput."""
    key_id, secret = (settings.get(name, "") for name in ("aws_access_key_id", "aws_secret_access_key"))
    token = settings.get("aws_session_token") or settings.get("aws_security_token") or ""
    return _access_key(where, key_id, secret, token, "delete what is left of it there")


def _access_key(where: str, key_id: str, secret: str, token: str, remedy: str) -> AccessKey:
    key_id, secret = key_id.strip(), secret.strip()
    if not key_id or not secret:
        raise BadKeyInput(where=where, problem="id or secret is missing", remedy=remedy)
    if token or key_id.startswith("ASIA"):
        problem = "these are temporary credentials, which end by themselves"
        raise BadKeyInput(where=where, problem=problem, remedy="give the user's long-term key, AKIA...")
    word = key_id.replace("_", "a")
    if not (_SHORTEST_ID <= len(key_id) <= _LONGEST_ID and word.isascii() and word.isalnum()):
        raise BadKeyInput(where=where, problem="its id is not 16 to 128 letters and digits", remedy=remedy)
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise BadKeyInput(where=where, problem="its secret has characters that no secret has", remedy=remedy)
    return AccessKey(key_id, Secret(secret))


def _json(text: str) -> tuple[str, str, str]:
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _NOTHING
    inner = found.get("AccessKey", found) if isinstance(found, dict) else {}
    if not isinstance(inner, dict):
        return _NOTHING
    values = (inner.get(name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    key_id, secret, token = (value if isinstance(value, str) else "" for value in values)
    return key_id, secret, token


def _variables(text: str) -> list[tuple[str, str, str]]:
    """Read lines of `AWS_ACCESS_KEY_ID=...`, with or without `export`; nothing if there are none."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals:
            values[name.strip()] = value.strip().strip("'\"")
    if "AWS_ACCESS_KEY_ID" not in values:
        return []
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    key_id, secret, token = (values.get(name, "") for name in names)
    return [(key_id, secret, token)]


def _csv(text: str) -> list[tuple[str, str, str]]:
    """Read the console's CSV: a header with `Access key ID` and `Secret access key`, then a row a key."""
    import csv

    try:
        rows = list(csv.DictReader(text.splitlines()))
    except csv.Error:
        return []
    named = [{str(name).strip().lower(): str(value or "") for name, value in row.items()} for row in rows]
    return [(row.get("access key id", ""), row.get("secret access key", ""), "") for row in named]
