"""Where secrets and state lie: keystores, the kernel's keyring, index and ledger; nothing is written."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.display import has_display
from vaultpy.findings import Finding, WouldAskError, failure, ok, skipped, told_by, warning
from vaultpy.keystore_format import Argon2, Header
from vaultpy.rotation_records import is_in_use
from vaultpy.state import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Protocol

    from vaultpy.access_keys import Keystore
    from vaultpy.records import Enrolment, Rotation
    from vaultpy.session_places import Place

    class Keystores(Protocol):
        """The keystores, of which none asks a person anything."""

        environ: Mapping[str, str]
        keystore_file: str

        def system_state(self) -> str:
            """Return `open`, `locked`, `empty` or `unknown`; raises KeystoreMissing."""

        def keystore(self, name: str, file: str = "") -> Keystore:
            """Return an open one; raises WouldAskError, also at its first use, and what keystores raise."""


_OTHERS = 0o077
_ROTATION = "rotation"  # begins the name of the lock that `Ledger.key_changes` holds
_UNLOCK = "unlock your login keyring (with Seahorse or KWalletManager, or log in again)"


def keystores(ports: Keystores, enrolments: Iterable[Enrolment]) -> Iterator[Finding]:
    """Look at the keystore that a new key would go into, and at those that hold the enrolled ones."""
    chosen = ports.environ.get("VAULTPY_KEYSTORE") or "system"
    wanted = [(chosen, ports.keystore_file if chosen == "file" else "")]
    wanted += [it.place for it in enrolments if not it.on_yubikey]
    for name, file in dict.fromkeys(wanted):
        try:
            if name == "file":
                yield from _file(ports, file)
            elif name == "system":
                yield _system(ports)
            else:
                yield _backend(ports, name)
        except errors.VaultpyError as error:  # noqa: PERF203  # each may be wrong by itself
            yield told_by(error)


def _system(ports: Keystores) -> Finding:
    state = ports.system_state()
    if state == "open":
        return ok("the system keystore is open")
    if state == "unknown":
        return ok("the system keystore is there; whether it would ask for a password cannot be told")
    display = has_display(ports.environ)
    if state == "empty":
        if not display:
            reason = "it holds no keyring yet, and no window can open here to make one"
            raise errors.KeystoreMissing(reason=reason)
        return warning(
            "the system keystore holds no keyring yet", "let it make one when vaultpy add asks for it"
        )
    if not display:
        raise errors.KeystoreLocked
    return warning("the system keystore is locked, and will ask for its password", _UNLOCK)


def _file(ports: Keystores, path: str) -> Iterator[Finding]:
    if not _is_made(path):
        yield ok(f"the keystore file {path} is not made yet: vaultpy add makes it")
        return
    try:
        ports.keystore("file", path).get("")
        yield ok(f"the keystore file {path} opens with the passphrase that is given")
    except WouldAskError:
        yield ok(f"the keystore file {path} is sound; it opens with a passphrase that is typed")
    begin = Path(path).read_bytes()
    cost, usual = Header.unpack(begin, path).cost, Argon2()
    if cost.memory * cost.passes < usual.memory * usual.passes:
        how = f"Argon2id with {cost.memory} KiB and {cost.passes} passes"
        text = f"the passphrase of {path} is weakly protected: {how}"
        yield warning(
            text, f"move it away (mv {quote(path)} {quote(path)}.old), then enrol the keys again: vaultpy add"
        )


def _is_made(path: str) -> bool:
    """Tell whether there is a file; raises KeystoreFileUnusable where that cannot be told, or none made."""
    try:
        os.stat(path)  # noqa: PTH116  # Path.exists hides some errors and raises others
    except FileNotFoundError:
        pass
    except OSError as error:
        raise errors.KeystoreFileUnusable(path=path, reason=error.strerror) from None
    else:
        return True
    directory = next(it for it in Path(os.path.realpath(path)).parents if it.exists())
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        reason = f"it cannot be made: {directory} is no directory that you may write to"
        raise errors.KeystoreFileUnusable(path=path, reason=reason)
    return False


def _backend(ports: Keystores, name: str) -> Finding:
    try:
        ports.keystore(name)
    except WouldAskError as reason:
        return skipped(f"keyring backend {name} is one that vaultpy takes; {reason}")
    return ok(f"keyring backend {name} is one that vaultpy takes")


# ---- sessions and state ----------------------------------------------------------------------------------


def sessions(places: list[Place]) -> Iterator[Finding]:
    """Look at where sessions are kept, without storing any."""
    if not places:
        text = "VAULTPY_SESSIONS = off: no session is kept, and every run asks for a touch"
        yield warning(text, "unset VAULTPY_SESSIONS")
        return
    for place in places:
        if not place.quiet:
            continue
        try:
            place.read("doctor")
            yield ok("sessions are kept in the kernel's keyring")
        except OSError as error:
            yield warning(
                f"the kernel's keyring cannot keep sessions: {error.strerror}",
                "have the system keystore open instead; in a container allow add_key, keyctl and request_key",
            )
        return
    yield ok("sessions are kept in the system keystore")


def state(directory: str, platform: str = sys.platform) -> Iterator[Finding]:
    """Look at vaultpy's directory: whose it is, who may look into it, and who works in it now."""
    try:
        found = os.stat(directory)  # noqa: PTH116  # beside os.geteuid
    except FileNotFoundError:
        yield ok(f"nothing is kept in {directory} yet")
        return
    except OSError as error:
        yield failure(
            f"cannot use {directory}: {error.strerror}", "name another place: export XDG_STATE_HOME=DIRECTORY"
        )
        return
    if platform != "win32" and found.st_uid != os.geteuid():
        remedy = "run vaultpy as that user, or name another place: export XDG_STATE_HOME=DIRECTORY"
        yield failure(f"{directory} belongs to user id {found.st_uid}", remedy)
    elif platform != "win32" and found.st_mode & _OTHERS:
        text = f"others may look into {directory}: its mode is {stat.S_IMODE(found.st_mode):04o}"
        yield warning(text, f"make it yours alone: chmod 700 {quote(directory)}")
    elif not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        yield failure(f"{directory} is not writable", f"make it so: chmod 700 {quote(directory)}")
    else:
        yield ok(f"what is enrolled is listed in {directory}, which is yours alone")
    yield from _held_locks(Path(directory) / "locks")


def rotations(enrolments: list[Enrolment], begun: Iterable[Rotation]) -> Iterator[Finding]:
    """Tell of each rotation that has not come to its end, by a name that can be rotated."""
    for rotation in begun:
        key_ids = {rotation.old_id, rotation.new_id}
        names = [it.name for it in enrolments if it.access_key_id in key_ids and is_in_use(it)]
        if names:
            text = f"a rotation of {names[0]} was interrupted, or is still at work"
            yield warning(text, f"finish it: vaultpy rotate {quote(names[0])}")


def _held_locks(directory: Path) -> Iterator[Finding]:
    """Tell of locks that are held: a file that is merely left over is no lock."""
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        return
    for path in paths:
        holder = _holder(path)
        if holder and path.name.startswith(_ROTATION):
            text = f"process {holder} is rotating an access key"
            yield warning(text, "let it finish: that takes a minute, or a touch if the YubiKey blinks")
        elif holder:
            text = f"process {holder} is getting credentials"
            yield warning(text, "touch the YubiKey if it blinks, or end that process")


def _holder(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return ""
    try:
        return "" if try_lock(descriptor) else os.read(descriptor, 20).decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        os.close(descriptor)
