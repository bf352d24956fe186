"""What is enrolled and which sessions exist, without a secret: a text file of the user's own.

The first line names the format and the last says that the file is whole; each line between is a record of
tab-separated fields. In a field `%`, tab and the line ends are percent-encoded.
"""
# pathlib and contextlib would cost every warm start milliseconds:
# ruff: noqa: PTH120, PTH123

from __future__ import annotations

import os
import sys
import time

from vaultpy.errors import StateUnusable
from vaultpy.state import locked, make_private_directory, replace_file
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_LINE = "vaultpy index 1"
_LAST_LINE = "end"
_ESCAPES = (("%", "%25"), ("\t", "%09"), ("\n", "%0A"), ("\r", "%0D"))


class Enrolment(Value):
    """An enrolled access key: its profile's `name`, whose it is, and where its secret lies.

    `keystore` is the kind of keystore and `keystore_file` its file, if it has one; `added` is an epoch.
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


class SessionEntry(Value):
    """A session that was stored: what `list`, `status` and eviction need to know of it, and no secret.

    `digest` is its question's, `access_key_id` the long-term key at the root of its chain, `label` a role's
    ARN or `mfa`, `duration` the seconds it was made for, `expiration` an epoch, `profile` who asked for it.
    """

    __slots__ = ("access_key_id", "digest", "duration", "expiration", "label", "profile")
    digest: str
    access_key_id: str
    label: str
    duration: int
    expiration: int
    profile: str

    def __init__(  # noqa: PLR0913  # a record has its fields
        self, *, digest: str, access_key_id: str, label: str, duration: int, expiration: int, profile: str
    ) -> None:
        self._set(digest=digest, access_key_id=access_key_id, label=label, duration=duration)
        self._set(expiration=expiration, profile=profile)


class Index:
    """The index at `path`: each question reads the file anew, each change is made under a lock and at once.

    `clock` gives the epoch in seconds. Every method raises StateUnusable when the file cannot be used.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def enrolments(self) -> list[Enrolment]:
        """Return every enrolment, oldest first."""
        return list(self._read().enrolments.values())

    def enrolment(self, name: str) -> Enrolment | None:
        """Return what is enrolled under `name`."""
        return self._read().enrolments.get(name)

    def enrol(self, enrolment: Enrolment) -> None:
        """Add `enrolment`, in the place of one of the same name."""

        def add(records: _Records) -> None:
            records.enrolments[enrolment.name] = enrolment

        self._change(add)

    def withdraw(self, name: str) -> None:
        """Remove what is enrolled under `name`, if anything is."""
        self._change(lambda records: records.enrolments.pop(name, None))

    def sessions(self) -> list[SessionEntry]:
        """Return every session, some of which may have ended or be gone from where they lived."""
        return list(self._read().sessions.values())

    def record(self, entry: SessionEntry) -> None:
        """Add `entry`, in the place of one of the same question, and drop those that have ended."""

        def add(records: _Records) -> None:
            now = self._clock()
            records.sessions[entry.digest] = entry
            records.sessions = {k: v for k, v in records.sessions.items() if v.expiration > now}

        self._change(add)

    def forget(self, digests: list[str]) -> None:
        """Remove the sessions of these questions, if they are there."""

        def remove(records: _Records) -> None:
            for digest in digests:
                records.sessions.pop(digest, None)

        self._change(remove)

    def confirmed(self, kind: str, subject: str, answer: str) -> bool:
        """Tell whether the user confirmed `answer` for `subject`, as an account's name for an MFA serial."""
        return (kind, subject, answer) in self._read().confirmed

    def confirm(self, kind: str, subject: str, answer: str) -> None:
        """Remember that the user confirmed `answer` for `subject`; other answers stay confirmed beside it."""

        def add(records: _Records) -> None:
            records.confirmed[kind, subject, answer] = None

        self._change(add)

    def _read(self) -> _Records:
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return _Records()
        except OSError as error:
            raise self._unusable(error.strerror, "make it a readable file of your own") from error
        with open(descriptor, "rb") as file:
            owner = os.fstat(descriptor).st_uid
            if sys.platform != "win32" and owner != os.geteuid():
                raise self._unusable(
                    f"it belongs to user id {owner}",
                    "run vaultpy as that user, or name another place: export XDG_STATE_HOME=DIRECTORY",
                )
            data = file.read()
        try:
            return _parse(data.decode("utf-8", "surrogatepass"))
        except ValueError:
            raise self._damaged() from None

    def _change(self, change: Callable[[_Records], object]) -> None:
        make_private_directory(os.path.dirname(self._path))
        try:
            with locked(self._path + ".lock"):
                records = self._read()
                change(records)
                replace_file(self._path, _render(records).encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise self._unusable(
                error.strerror,
                "make room for it there, or name another place: export XDG_STATE_HOME=DIRECTORY",
            ) from error

    def _damaged(self) -> StateUnusable:
        from shlex import quote

        path = quote(self._path)
        return self._unusable(
            "it is damaged, or another version of vaultpy wrote it",
            f"move it away (mv {path} {path}.old), then enrol the keys again: vaultpy add PROFILE",
        )

    def _unusable(self, reason: str | None, remedy: str) -> StateUnusable:
        return StateUnusable(path=self._path, reason=reason, remedy=remedy)


class _Records:
    __slots__ = ("confirmed", "enrolments", "sessions")

    def __init__(self) -> None:
        self.enrolments: dict[str, Enrolment] = {}
        self.sessions: dict[str, SessionEntry] = {}
        self.confirmed: dict[tuple[str, str, str], None] = {}


def _render(records: _Records) -> str:
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
        ("session", s.digest, s.access_key_id, s.label, s.duration, s.expiration, s.profile)
        for s in records.sessions.values()
    ]
    lines += [("confirmed", *answer) for answer in records.confirmed]
    body = "".join("\t".join(map(_escape, line)) + "\n" for line in lines)
    return f"{_FIRST_LINE}\n{body}{_LAST_LINE}\n"


def _parse(text: str) -> _Records:
    """Read the file's text; raises ValueError for anything that `_render` does not write."""
    first, *lines, last, rest = text.split("\n")
    if (first, last, rest) != (_FIRST_LINE, _LAST_LINE, ""):
        raise ValueError
    records = _Records()
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
        else:
            raise ValueError
    return records


def _session(fields: list[str]) -> SessionEntry:
    digest, key_id, label, duration, expiration, profile = fields
    return SessionEntry(
        digest=digest,
        access_key_id=key_id,
        label=label,
        duration=int(duration),
        expiration=int(expiration),
        profile=profile,
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
        added=int(added),
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
