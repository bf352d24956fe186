"""What is enrolled and which sessions exist, without a secret: a text file of the user's own."""

# pathlib and contextlib would cost every warm start milliseconds:
# ruff: noqa: PTH120

from __future__ import annotations

import os
import sys

import vaultpy
from vaultpy.records import Records, parse, render
from vaultpy.state import locked, make_private_directory, open_replaced, replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.records import Enrolment, Rotation, SessionEntry


class Index:
    """The index at `path`: each question reads the file anew, each change is made under a lock and at once.

    Every method raises StateUnusable when the file cannot be used.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def enrolments(self) -> list[Enrolment]:
        """Return every enrolment, oldest first."""
        return list(self._records().enrolments.values())

    def enrolment(self, name: str) -> Enrolment | None:
        """Return what is enrolled under `name`."""
        return self._records().enrolments.get(name)

    def enrol(self, enrolment: Enrolment) -> None:
        """Add `enrolment`, in the place of one of the same name."""

        def add(records: Records) -> None:
            records.enrolments[enrolment.name] = enrolment

        self.change(add)

    def withdraw(self, name: str) -> None:
        """Remove what is enrolled under `name`, if anything is."""
        self.change(lambda records: records.enrolments.pop(name, None))

    def sessions(self) -> list[SessionEntry]:
        """Return every session, some of which may have ended or be gone from where they lived."""
        return list(self._records().sessions.values())

    def record(self, entry: SessionEntry) -> None:
        """Add `entry`, in the place of one of the same question."""

        def add(records: Records) -> None:
            records.sessions[entry.digest] = entry

        self.change(add)

    def forget(self, digests: list[str]) -> None:
        """Remove the sessions of these questions, if they are there."""

        def remove(records: Records) -> None:
            for digest in digests:
                records.sessions.pop(digest, None)

        self.change(remove)

    def confirmed(self, kind: str, subject: str, answer: str) -> bool:
        """Tell whether the user confirmed `answer` for `subject`, as an account's name for an MFA serial."""
        return (kind, subject, answer) in self._records().confirmed

    def confirm(self, kind: str, subject: str, answer: str) -> None:
        """Remember that the user confirmed `answer` for `subject`; other answers stay confirmed beside it."""

        def add(records: Records) -> None:
            records.confirmed[kind, subject, answer] = None

        self.change(add)

    def rotations(self) -> list[Rotation]:
        """Return the rotations that are not finished."""
        return list(self._records().rotations.values())

    def change(self, change: Callable[[Records], object]) -> None:
        """Let `change` change what the index holds: all of that is written at once, or nothing."""
        make_private_directory(os.path.dirname(self._path))
        try:
            with locked(self._path + ".lock"):
                records = self._read()
                change(records)
                replace_file(self._path, render(records).encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise self._unusable(
                error.strerror,
                "make room for it there, or name another place: export XDG_STATE_HOME=DIRECTORY",
            ) from error

    def _records(self) -> Records:
        return self._read()

    def _read(self) -> Records:
        try:
            with open_replaced(self._path) as file:
                owner = os.fstat(file.fileno()).st_uid
                data = file.read()
        except FileNotFoundError:
            return Records()
        except OSError as error:
            raise self._unusable(
                error.strerror,
                "make it a readable file of your own, or name another place: export XDG_STATE_HOME=DIRECTORY",
            ) from error
        self._check_owner(owner)
        try:
            return parse(data.decode("utf-8", "surrogatepass"))
        except ValueError:
            raise self._damaged() from None

    def _check_owner(self, owner: int, platform: str = sys.platform) -> None:
        if platform != "win32" and owner != os.geteuid():
            raise self._unusable(
                f"it belongs to user id {owner}",
                "run vaultpy as that user, or name another place: export XDG_STATE_HOME=DIRECTORY",
            )

    def _damaged(self) -> vaultpy.errors.StateUnusable:
        from shlex import quote

        path = quote(self._path)
        return self._unusable(
            "it is damaged, or another version of vaultpy wrote it",
            f"move it away (mv {path} {path}.old), then enrol the keys again: vaultpy add PROFILE",
        )

    def _unusable(self, reason: str | None, remedy: str) -> vaultpy.errors.StateUnusable:
        return vaultpy.errors.StateUnusable(path=self._path, reason=reason, remedy=remedy)


class IndexReadOnce(Index):
    """The index as the first question found it: for a run that is over before anything can change.

    What it is told to change is changed in the file as that is by then.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._found: Records | None = None

    def _records(self) -> Records:
        if self._found is None:
            self._found = self._read()
        return self._found
