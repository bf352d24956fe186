"""Keystores, sessions and state are looked at without a question, and stay as they are."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from support.keystore_fixtures import Answers
from support.remembering import enrolment
from vaultpy import errors
from vaultpy.checks_keystore import keystores, sessions, state
from vaultpy.findings import Finding, WouldAskError
from vaultpy.keystore_file import FileKeystore
from vaultpy.keystore_format import Argon2
from vaultpy.records import Enrolment
from vaultpy.session_places import KeystorePlace
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vaultpy.access_keys import Keystore

CHEAP = Argon2(memory=64, passes=1, lanes=1)


class NobodyThere(Answers):
    """Whom a passphrase would have to be asked of."""

    def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # always called by keyword
        """Ask nobody."""
        raise WouldAskError(f"{path}, {new}")


class Stores:
    """Keystores as a test says they are; the file is a real one."""

    def __init__(self, directory: Path, **environ: str) -> None:
        self.environ: Mapping[str, str] = environ
        self.keystore_file = str(directory / "keystore")
        self.system: str | errors.VaultpyError = "open"
        self.backend: Exception | None = None

    def system_state(self) -> str:
        """Return or raise what the test says."""
        if isinstance(self.system, str):
            return self.system
        raise self.system

    def keystore(self, name: str, file: str = "") -> Keystore:
        """Open one."""
        if name == "file":
            return FileKeystore(file, self.environ, NobodyThere())
        if self.backend is not None:
            raise self.backend
        return MemoryKeystore[Secret](name)

    def make_file(self, cost: Argon2 = CHEAP) -> None:
        """Make the keystore file."""
        environ = {"VAULTPY_KEYSTORE_PASSPHRASE": "correct horse"}
        FileKeystore(self.keystore_file, environ, NobodyThere(), cost).set("item", Secret("text"))

    def look(self, *enrolments: Enrolment) -> list[Finding]:
        """Return what is found."""
        return list(keystores(self, enrolments))


def of(keystore: str, file: str = "") -> Enrolment:
    plain = enrolment("dev")
    return Enrolment(
        name="dev",
        access_key_id=plain.access_key_id,
        user_arn=plain.user_arn,
        mfa_serials=(),
        keystore=keystore,
        keystore_file=file,
        added=0,
    )


# ---- the system's ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "display", "expected"),
    [
        ("open", "", "ok"),
        ("unknown", "", "ok"),
        ("locked", "", "failure"),
        ("locked", ":0", "warning"),
        ("empty", "", "failure"),
        ("empty", ":0", "warning"),
        (errors.KeystoreMissing(reason="no bus"), ":0", "failure"),
    ],
)
def test_the_system_keystore_is_told_as_exec_would_meet_it(
    tmp_path: Path, system: str | errors.VaultpyError, display: str, expected: str
) -> None:
    stores = Stores(tmp_path, DISPLAY=display)
    stores.system = system
    (finding,) = stores.look()
    assert finding.state == expected
    assert bool(finding.remedy) == (expected != "ok")


def test_each_keystore_is_looked_at_once_the_one_for_new_keys_first(tmp_path: Path) -> None:
    stores = Stores(tmp_path, VAULTPY_KEYSTORE="file")
    stores.make_file()
    stores.system = "locked"
    found = stores.look(of("system"), of("file", stores.keystore_file), of("system"))
    assert [it.state for it in found] == ["ok", "warning", "failure"]


def test_a_system_keystore_that_nothing_uses_is_not_looked_at(tmp_path: Path) -> None:
    stores = Stores(tmp_path, VAULTPY_KEYSTORE="file")
    stores.system = errors.KeystoreMissing(reason="no bus")
    assert [it.state for it in stores.look()] == ["ok"]


# ---- others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (None, "ok"),
        (WouldAskError("it may ask"), "skipped"),
        (errors.KeystoreInsecure(backend="b", reason="weak"), "failure"),
        (errors.KeystoreUnknown(name="b", reason="none"), "failure"),
    ],
)
def test_a_backend_of_keyrings_is_taken_or_refused(
    tmp_path: Path, failure: Exception | None, expected: str
) -> None:
    stores = Stores(tmp_path, VAULTPY_KEYSTORE="some.Backend")
    stores.backend = failure
    assert [it.state for it in stores.look()] == [expected]


# ---- the file --------------------------------------------------------------------------------------------


def test_a_file_that_opens_is_ok(tmp_path: Path) -> None:
    stores = Stores(tmp_path, VAULTPY_KEYSTORE="file", VAULTPY_KEYSTORE_PASSPHRASE="correct horse")
    stores.make_file(Argon2())
    (finding,) = stores.look()
    assert finding.state == "ok"
    assert finding.text.endswith("opens with the passphrase that is given")


def test_a_file_whose_passphrase_would_be_asked_is_sound(tmp_path: Path) -> None:
    stores = Stores(tmp_path, VAULTPY_KEYSTORE="file")
    stores.make_file(Argon2())
    (finding,) = stores.look()
    assert finding.state == "ok"
    assert finding.text.endswith("is sound; it opens with a passphrase that is typed")


def test_a_file_that_is_weakly_protected_is_a_warning(tmp_path: Path) -> None:
    stores = Stores(tmp_path, VAULTPY_KEYSTORE="file")
    stores.make_file()
    _, finding = stores.look()
    assert finding.state == "warning"
    assert "Argon2id with 64 KiB and 1 passes" in finding.text


def test_a_file_that_is_not_there_yet_is_ok_and_not_made(tmp_path: Path) -> None:
    assert [it.state for it in Stores(tmp_path, VAULTPY_KEYSTORE="file").look()] == ["ok"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("passphrase", "mode", "content", "error"),
    [
        ("wrong", 0o600, None, errors.PassphraseWrong),
        ("correct horse", 0o644, None, errors.KeystoreFileUnusable),
        ("correct horse", 0o600, b"no keystore", errors.KeystoreFileUnusable),
        ("correct horse", 0o600, b"VAULTPYK", errors.KeystoreFileDamaged),
    ],
)
def test_a_file_that_cannot_be_used_fails_with_its_error(
    tmp_path: Path, passphrase: str, mode: int, content: bytes | None, error: type[errors.VaultpyError]
) -> None:
    stores = Stores(tmp_path, VAULTPY_KEYSTORE="file", VAULTPY_KEYSTORE_PASSPHRASE=passphrase)
    stores.make_file()
    file = tmp_path / "keystore"
    if content is not None:
        file.write_bytes(content)
    file.chmod(mode)
    (finding,) = stores.look()
    assert (finding.state, finding.remedy) == ("failure", error.hint)


@pytest.mark.parametrize("path", ["no-directory/keystore", "no-directory/a/b/keystore", "x" * 300])
def test_a_file_that_could_not_be_made_fails(tmp_path: Path, path: str) -> None:
    (tmp_path / "no-directory").touch()
    stores = Stores(tmp_path, VAULTPY_KEYSTORE="file")
    stores.keystore_file = str(tmp_path / path)
    (finding,) = stores.look()
    assert (finding.state, finding.remedy) == ("failure", errors.KeystoreFileUnusable.hint)


def seen_by_a_plain_user(stores: Stores) -> str:
    """Return what somebody finds who is not root, whom nothing keeps out."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with suppress(BaseException):
            if os.geteuid() == 0:
                os.setuid(12345)
            os.write(writing, "".join(f"{it.state}: {it.text}" for it in stores.look()).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    seen = os.read(reading, 10_000).decode()
    os.close(reading)
    return seen


@pytest.mark.parametrize(("mode", "why"), [(0o555, "it cannot be made: "), (0o444, "Permission denied")])
def test_a_directory_that_does_not_let_it_be_made_or_looked_at_fails(mode: int, why: str) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(mode)
        seen = seen_by_a_plain_user(Stores(directory, VAULTPY_KEYSTORE="file"))
    assert seen.startswith(f"failure: cannot use the keystore file {name}/keystore: {why}")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_fails_at_once(tmp_path: Path, make: Callable[[str], None]) -> None:
    make(str(tmp_path / "keystore"))
    assert [it.state for it in Stores(tmp_path, VAULTPY_KEYSTORE="file").look()] == ["failure"]


# ---- sessions --------------------------------------------------------------------------------------------


class Kernel:
    """The kernel's keyring, which may refuse."""

    name = "kernel"
    quiet = True

    def __init__(self, failure: OSError | None = None) -> None:
        self._failure = failure

    def read(self, digest: str) -> str | None:
        """Find nothing."""
        del digest
        if self._failure:
            raise self._failure
        return None

    def write(self, digest: str, text: str, ttl: int) -> None:
        """Fail the test."""
        raise AssertionError(digest, text, ttl)

    def delete(self, digest: str) -> None:
        """Fail the test."""
        raise AssertionError(digest)

    def names(self) -> list[str]:
        """Fail the test: the kernel's list tidies up."""
        raise AssertionError


def never_opened() -> Keystore:
    raise AssertionError


def test_where_sessions_are_kept_is_told_and_nothing_is_stored() -> None:
    keystore = KeystorePlace(never_opened)
    refused = Kernel(OSError(errno.EPERM, "Operation not permitted"))
    assert [it.state for it in sessions([Kernel(), keystore])] == ["ok"]
    (finding,) = sessions([refused, keystore])
    assert finding.state == "warning"
    assert finding.text == "the kernel's keyring cannot keep sessions: Operation not permitted"
    (finding,) = sessions([keystore])
    assert finding.text == "sessions are kept in the system keystore"
    (finding,) = sessions([])
    assert (finding.state, finding.remedy) == ("warning", "unset VAULTPY_SESSIONS")


# ---- state -----------------------------------------------------------------------------------------------


def test_a_directory_of_ones_own_is_ok_and_one_not_there_is_not_made(tmp_path: Path) -> None:
    assert [it.state for it in state(str(tmp_path / "none"))] == ["ok"]
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o700)
    assert [it.state for it in state(str(tmp_path))] == ["ok"]


def test_a_directory_that_others_may_look_into_is_a_warning_and_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (finding,) = state(str(tmp_path))
    assert (finding.state, finding.remedy) == ("warning", f"make it yours alone: chmod 700 {tmp_path}")
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_directory_of_somebody_elses_fails(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    (finding,) = state(str(tmp_path))
    assert (finding.state, finding.text) == ("failure", f"{tmp_path} belongs to user id 12345")


def test_a_path_that_leads_through_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [it.state for it in state(str(tmp_path / "file" / "vaultpy"))] == ["failure"]


def test_a_lock_that_is_held_is_told_and_one_that_was_left_over_is_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "locks").mkdir()
    lock = tmp_path / "locks" / "mfa-1"
    lock.write_text("4711\n")
    assert [it.state for it in state(str(tmp_path))] == ["ok"]
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        _, finding = state(str(tmp_path))
    assert finding.state == "warning"
    assert finding.text == "process 4711 is getting credentials"
    assert lock.read_text() == "4711\n"


@pytest.mark.parametrize("name", ["rotation", "rotation-1"])
def test_a_lock_of_a_rotation_is_told_as_that(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "locks").mkdir()
    lock = tmp_path / "locks" / name
    lock.write_text("4711\n")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        _, finding = state(str(tmp_path))
    assert (finding.state, finding.text) == ("warning", "process 4711 is rotating an access key")
    assert "end that process" not in finding.remedy
