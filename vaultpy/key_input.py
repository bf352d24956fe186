"""An access key as other programs write it: the console's CSV, the CLI's JSON, aws-vault's export."""

from __future__ import annotations

from vaultpy.credentials import AccessKey
from vaultpy.errors import BadKeyInput
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CHARACTERS = 64 * 1024
_SHORTEST_ID, _LONGEST_ID = 16, 128
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


def from_text(text: str) -> AccessKey:
    """Return the key in what was read from standard input; raises BadKeyInput."""
    where = "standard input"
    if len(text) > MAX_CHARACTERS:
        raise BadKeyInput(where=where, problem="it is too long", remedy=_FORMS)
    text = text.removeprefix("\ufeff").strip()
    found = _json(text) if text.startswith("{") else (_variables(text) or _csv(text))
    return _access_key(where, *found, _FORMS)


def typed(key_id: str, secret: Secret) -> AccessKey:
    """Return the key that a person typed; raises BadKeyInput."""
    remedy = "paste both as the console shows them: the id begins with AKIA"
    return _access_key("what was typed", key_id, secret.reveal(), "", remedy)


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
        return "", "", ""
    inner = found.get("AccessKey", found) if isinstance(found, dict) else {}
    if not isinstance(inner, dict):
        return "", "", ""
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    key_id, secret, token = (str(inner.get(name) or "") for name in names)
    return key_id, secret, token


def _variables(text: str) -> tuple[str, str, str] | None:
    """Read `export AWS_ACCESS_KEY_ID=...` lines; None if there are none."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals:
            values[name.strip()] = value.strip().strip("'\"")
    if "AWS_ACCESS_KEY_ID" not in values:
        return None
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    key_id, secret, token = (values.get(name, "") for name in names)
    return key_id, secret, token


def _csv(text: str) -> tuple[str, str, str]:
    """Read the console's CSV: a header with `Access key ID` and `Secret access key`, then one row."""
    import csv

    try:
        rows = list(csv.DictReader(text.splitlines()))
    except csv.Error:
        return "", "", ""
    if len(rows) != 1:
        return "", "", ""
    row = {str(name).strip().lower(): str(value or "") for name, value in rows[0].items()}
    return row.get("access key id", ""), row.get("secret access key", ""), ""
