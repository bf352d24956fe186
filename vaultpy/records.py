"""What the index holds, and its text.

The first line names the format and the last says that the text is whole; each line between is a record of
tab-separated fields. In a field `%`, tab and the line ends are percent-encoded.
"""

from __future__ import annotations

from vaultpy.session_text import number
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIRST_LINE = "vaultpy index 1"
_LAST_LINE = "end"
ON_YUBIKEY = "yubikey"
"""What stands for a keystore where the secret is on a YubiKey, and in no keystore."""
_ESCAPES = (("%", "%25"), ("\t", "%09"), ("\n", "%0A"), ("\r", "%0D"))


def _fields(record: Value) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


class Enrolment(Value):
    """An enrolled access key: its profile's `name`, whose it is, and where its secret lies.

    `keystore` is the kind of keystore and `keystore_file` its file, if it has one; for a secret on YubiKeys
    their serial numbers, with spaces between, empty until all of them have it. `added` is an epoch.
    """

    __slots__ = ("access_key_id", "added", "keystore", "keystore_file", "mfa_serials", "name", "user_arn")
    name: str
    access_key_id: str
    user_arn: str
    mfa_serials: tuple[str, ...]
    keystore: str
    keystore_file: str
    added: int

    def __init__(  # noqa: PLR0913  # a record has its fields
        self,
        *,
        name: str,
        access_key_id: str,
        user_arn: str,
        mfa_serials: tuple[str, ...],
        keystore: str,
        keystore_file: str,
        added: int,
    ) -> None:
        self._set(name=name, access_key_id=access_key_id, user_arn=user_arn, mfa_serials=mfa_serials)
        self._set(keystore=keystore, keystore_file=keystore_file, added=added)

    @property
    def user_name(self) -> str:
        """The IAM user's name; the profile's where AWS was not asked whose key it is."""
        return self.user_arn.rpartition("/")[2] or self.name

    @property
    def on_yubikey(self) -> bool:
        """Whether the secret is on a YubiKey, which signs by touch alone."""
        return self.keystore == ON_YUBIKEY

    @property
    def place(self) -> tuple[str, str]:
        """The keystore and its file."""
        return self.keystore, self.keystore_file

    def holding(
        self, access_key_id: str, name: str, added: int, place: tuple[str, str] | None = None
    ) -> Enrolment:
        """Return this enrolment with another key, under `name`, as of the epoch `added`.

        The key is in keystore and file `place`; without one, where this enrolment's is.
        """
        keystore, file = place or self.place
        changes = {"access_key_id": access_key_id, "name": name, "added": added}
        return Enrolment(**_fields(self) | changes | {"keystore": keystore, "keystore_file": file})

    def with_mfa_serials(self, mfa_serials: tuple[str, ...]) -> Enrolment:
        """Return this enrolment with other MFA devices."""
        return Enrolment(**_fields(self) | {"mfa_serials": mfa_serials})


class Rotation(Value):
    """A rotation that is under way, or was interrupted: key `new_id` takes the place of `old_id`.

    `new_id` is empty until AWS has made the key, `began` (epoch, by AWS's clock) is just before that; with
    `keeps` the old key stays as it is in AWS.
    """

    __slots__ = ("began", "keeps", "new_id", "old_id")
    old_id: str
    new_id: str
    began: int
    keeps: bool

    def __init__(self, old_id: str, new_id: str, began: int, *, keeps: bool) -> None:
        self._set(old_id=old_id, new_id=new_id, began=began, keeps=keeps)

    def to(self, new_id: str) -> Rotation:
        """Return this rotation with the key that AWS has made for it."""
        return Rotation(self.old_id, new_id, self.began, keeps=self.keeps)


class SessionEntry(Value):
    """A session that was stored: what `list`, `status` and eviction need to know of it, and no secret.

    `digest` is its question's, `access_key_id` the long-term key at the root of its chain, `label` a role's
    ARN or `mfa`, `duration` the seconds it was made for, `expiration` an epoch, `profile` who asked for it,
    `places` the names of the places that may hold it.
    """

    __slots__ = ("access_key_id", "digest", "duration", "expiration", "label", "places", "profile")
    digest: str
    access_key_id: str
    label: str
    duration: int
    expiration: int
    profile: str
    places: tuple[str, ...]

    def __init__(  # noqa: PLR0913  # a record has its fields
        self,
        *,
        digest: str,
        access_key_id: str,
        label: str,
        duration: int,
        expiration: int,
        profile: str,
        places: tuple[str, ...] = (),
    ) -> None:
        self._set(digest=digest, access_key_id=access_key_id, label=label, duration=duration)
        self._set(expiration=expiration, profile=profile, places=places)

    def living_in(self, places: tuple[str, ...]) -> SessionEntry:
        """Return this entry with other places."""
        return SessionEntry(**_fields(self) | {"places": places})


class Records:
    """All that the index holds, in the order of its lines."""

    __slots__ = ("confirmed", "enrolments", "rotations", "sessions")

    def __init__(self) -> None:
        self.enrolments: dict[str, Enrolment] = {}
        self.rotations: dict[str, Rotation] = {}
        self.sessions: dict[str, SessionEntry] = {}
        self.confirmed: dict[tuple[str, str, str], None] = {}


def render(records: Records) -> str:
    """Return the index's text."""
    lines = [
        (
            "enrolment",
            e.name,
            e.access_key_id,
            e.user_arn,
            e.keystore,
            e.keystore_file,
            e.added,
            *e.mfa_serials,
        )
        for e in records.enrolments.values()
    ]
    lines += [
        ("session", s.digest, s.access_key_id, s.label, s.duration, s.expiration, s.profile, *s.places)
        for s in records.sessions.values()
    ]
    lines += [
        ("rotation", r.old_id, r.new_id, r.began, "keeps" if r.keeps else "")
        for r in records.rotations.values()
    ]
    lines += [("confirmed", *answer) for answer in records.confirmed]
    body = "".join("\t".join(map(_escape, line)) + "\n" for line in lines)
    return f"{_FIRST_LINE}\n{body}{_LAST_LINE}\n"


def parse(text: str) -> Records:
    """Read the index's text; raises ValueError for anything that `render` does not write."""
    first, *lines, last, rest = text.split("\n")
    if (first, last, rest) != (_FIRST_LINE, _LAST_LINE, ""):
        raise ValueError
    records = Records()
    for line in lines:
        kind, *fields = map(_unescape, line.split("\t"))
        if kind == "session":
            session = _session(fields)
            records.sessions[session.digest] = session
        elif kind == "enrolment":
            enrolment = _enrolment(fields)
            records.enrolments[enrolment.name] = enrolment
        elif kind == "confirmed":
            what, subject, answer = fields
            records.confirmed[what, subject, answer] = None
        elif kind == "rotation":
            old_id, new_id, began, keeps = fields
            records.rotations[old_id] = Rotation(old_id, new_id, number(began), keeps=keeps == "keeps")
        else:
            raise ValueError
    return records


def _session(fields: list[str]) -> SessionEntry:
    digest, key_id, label, duration, expiration, profile, *places = fields
    return SessionEntry(
        digest=digest,
        access_key_id=key_id,
        label=label,
        duration=number(duration),
        expiration=number(expiration),
        profile=profile,
        places=tuple(places),
    )


def _enrolment(fields: list[str]) -> Enrolment:
    name, key_id, user_arn, keystore, keystore_file, added, *mfa_serials = fields
    return Enrolment(
        name=name,
        access_key_id=key_id,
        user_arn=user_arn,
        mfa_serials=tuple(mfa_serials),
        keystore=keystore,
        keystore_file=keystore_file,
        added=number(added),
    )


def _escape(field: object) -> str:
    text = str(field)
    if text.isalnum():
        return text
    for character, code in _ESCAPES:
        text = text.replace(character, code)
    return text


def _unescape(field: str) -> str:
    if "%" in field:
        for character, code in reversed(_ESCAPES):
            field = field.replace(code, character)
    return field
