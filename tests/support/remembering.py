"""Other processes that share what vaultpy remembers: each runs one function of these and prints what it sees.

As a plain user a process has a user id that nobody else uses, so a kernel keyring and a quota of its own, and
all that it imports is loaded before, because a plain user may not be able to read the interpreter's files.
"""

from __future__ import annotations

import _blake2  # noqa: F401  # loaded for the plain user
import ctypes
import fcntl  # noqa: F401  # loaded for the plain user
import json
import os
import pwd  # noqa: F401  # loaded for the plain user
import random
import shlex  # noqa: F401  # loaded for the plain user
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from vaultpy.credentials import Credentials
from vaultpy.errors import VaultpyError
from vaultpy.index import Index
from vaultpy.kernel_keyring import _PROCESS_KEYRING, KernelKeyring, KernelPlace, _numbers
from vaultpy.ledger import Ledger
from vaultpy.mfa import STEP_SECONDS
from vaultpy.records import Enrolment, SessionEntry
from vaultpy.sessions import SessionStore
from vaultpy.state import locked, replace_file
from vaultpy.values import Secret

_JOIN_SESSION_KEYRING = 1
_PLAIN_USERS = range(20_000, 60_000)
_FAST = 1000
_SECRET = "the-secret-access-key"


def start(function: str, *arguments: object, plain_user: bool = False) -> subprocess.Popen[str]:
    """Start a process that runs `function` of this module; its output and input are pipes."""
    words = [json.dumps(plain_user), function, *map(str, arguments)]
    return subprocess.Popen(
        [sys.executable, "-m", "support.remembering", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(function: str, *arguments: object, plain_user: bool = False) -> list[str]:
    """Run `function` of this module in a process of its own and return the lines that it printed."""
    with start(function, *arguments, plain_user=plain_user) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, f"{function} ended with {process.returncode}"
    return output.splitlines()


def say(text: object) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201  # how the processes answer


# ---- state -------------------------------------------------------------------------------------------


def increment(directory: str, times: str) -> None:
    """Add one to a number in a file, under its lock, again and again."""
    number = Path(directory, "number")
    for _ in range(int(times)):
        with locked(f"{number}.lock"):
            number.write_text(str(int(number.read_text()) + 1))


def hold_file(path: str) -> None:
    """Hold a file's lock."""
    with locked(path):
        say("held")
        sys.stdin.read()


def replace(path: str) -> None:
    """Replace a file's content and print its rights."""
    replace_file(path, b"new")
    found = Path(path).stat()
    say(f"{found.st_mode & 0o777:o} {found.st_gid == os.getgid()}")


def failure_to_enrol(path: str) -> None:
    """Print the two lines that a user meets."""
    try:
        Index(path).enrol(enrolment("dev"))
    except VaultpyError as error:
        say(error.message)
        say(error.hint)


# ---- index -------------------------------------------------------------------------------------------


def enrolment(name: str) -> Enrolment:
    """Return an enrolment of that name."""
    return Enrolment(
        name=name,
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        user_arn="arn:aws:iam::123456789012:user/division/alice",
        mfa_serials=("arn:aws:iam::123456789012:mfa/alice",),
        keystore="system",
        keystore_file="",
        added=1_750_000_000,
    )


def session(
    digest: str, expiration: int = 4_000_000_000, *, key: str = "AKIAIOSFODNN7EXAMPLE"
) -> SessionEntry:
    """Return the entry of a session with that digest."""
    return SessionEntry(
        digest=digest, access_key_id=key, label="mfa", duration=43200, expiration=expiration, profile="dev"
    )


def record_sessions(path: str, prefix: str, count: str) -> None:
    """Record many sessions, one after the other."""
    for number in range(int(count)):
        Index(path).record(session(f"{prefix}{number}"))


def rewrite_for_ever(path: str) -> None:
    """Write the index until killed, ever larger and smaller again."""
    index = Index(path)
    say("writing")
    for round_ in range(1_000_000):
        index.record(session(f"{round_ % 50:032}"))
        if round_ % 50 == 0:
            index.forget([f"{number:032}" for number in range(50)])


# ---- ledger ------------------------------------------------------------------------------------------


def hold(directory: str) -> None:
    """Hold the lock of an MFA device."""
    with Ledger(directory, time.time).lock("mfa", "alice", waiting=say):
        say("held")
        sys.stdin.read()


def get(directory: str) -> None:
    """Get the lock of an MFA device, printing whom it waits for."""
    with Ledger(directory, time.time).lock("mfa", "alice", waiting=say):
        say("got")


def become_another_command(directory: str) -> None:
    """Take the lock and then become a command while holding it, as a bug would."""
    lock = Ledger(directory, time.time).lock("mfa", "alice", waiting=say)
    lock.__enter__()
    os.execv("/bin/sh", ["sh", "-c", "echo held; read line"])  # noqa: S606  # that is the case


def spend_in_a_crowd(directory: str, count: str) -> None:
    """Fork into `count` processes, each of which spends the next free step of a clock that runs fast."""
    began = time.time()
    ledger = Ledger(directory, lambda: began + (time.time() - began) * _FAST)
    children = []
    for _ in range(int(count)):
        child = os.fork()
        if not child:
            with ledger.lock("mfa", "alice", waiting=lambda _pid: None):
                step = ledger.next_step("alice")
                while ledger.time() < step * STEP_SECONDS:
                    time.sleep(0.001)
                ledger.spend("alice", step)
            say(step)
            os._exit(0)
        children.append(child)
    sys.exit(any(os.waitpid(child, 0)[1] for child in children))


# ---- kernel keyring ----------------------------------------------------------------------------------


def probe() -> None:
    """Print why the kernel gives no keyring, if it gives none."""
    try:
        KernelKeyring().read("probe")
    except OSError as error:
        say(error.strerror)


def write_in_another_process(keyring: KernelKeyring, name: str, data: str) -> None:
    """Store as a forked process that joins an empty session keyring, so that it possesses nothing."""
    child = os.fork()
    if not child:
        _join_empty_session_keyring()
        keyring.write(name, data.encode(), 60)
        os._exit(0)
    os.waitpid(child, 0)


def keep_and_lose() -> None:
    """Store, read, replace and delete."""
    keyring = KernelKeyring()
    name = f"test-{os.getpid()}"
    say(keyring.read(name))
    write_in_another_process(keyring, name, "first")
    say(keyring.read(name))
    keyring.write(name, b"second\0with a nul", 60)
    say(keyring.read(name))
    keyring.delete(name)
    say(keyring.read(name))
    keyring.delete(name)


def shown_by_proc(name: str) -> None:
    """Store for a minute and print how the kernel lists it: id, flags, uses, time left, rights."""
    keyring = KernelKeyring()
    keyring.write(name, b"x", 60)
    say(next(line for line in Path("/proc/keys").read_text().splitlines() if name in line))
    keyring.delete(name)


def left_in_the_process(name: str) -> None:
    """Store and print whether the process still holds the key itself."""
    keyring = KernelKeyring()
    keyring.write(name, b"x", 60)
    held = keyring._payload(_PROCESS_KEYRING, 1000) or b""
    key = keyring._find(name) or 0
    say(key.to_bytes(4, sys.byteorder) in held)
    keyring.delete(name)


def outlive_its_time() -> None:
    """Store for one second most of the quota, wait until it is gone, and store again under one name.

    The kernel frees what is unlinked an instant later; what has merely expired, in five minutes.
    """
    keyring = KernelKeyring()
    for name in "ab":
        keyring.write(name, b"x" * 6000, 1)
    while any(keyring.read(name) for name in "ab"):
        time.sleep(0.01)
    say("gone")
    patience = time.monotonic() + 20
    while keyring.read("a") is None and time.monotonic() < patience:
        with suppress(OSError):
            keyring.write("a", b"again" * 1800, 60)
    say((keyring.read("a") or b"")[:5])


def write_many(size: str, count: str) -> None:
    """Store until refused; print how many fitted, why no more, and whether one fits after a deletion."""
    keyring = KernelKeyring()
    number = 0
    try:
        for number in range(int(count)):
            keyring.write(f"many-{number}", b"x" * int(size), 60)
    except OSError as error:
        say(number)
        say(error.errno)
        keyring.delete("many-0")
        keyring.write("one more", b"x" * int(size), 60)
        say(keyring.read("one more") == b"x" * int(size))


def replace_the_largest() -> None:
    """Store a text that leaves no room for another, and again under the same name."""
    keyring = KernelKeyring()
    for byte in b"ab":
        keyring.write("large", bytes([byte]) * 9000, 60)
    say(keyring.read("large") == b"b" * 9000)


def refused_by_a_filter(refusal: str) -> None:
    """Have a system call filter refuse the keyring as a container does; print what reading says."""
    _refuse_keyring_calls(int(refusal))
    try:
        KernelKeyring().read("anything")
    except OSError as error:
        say(error.errno)


# ---- sessions ----------------------------------------------------------------------------------------


def credentials(expiration: int, *, name: str = "ASIAEXAMPLE", token: str = "t" * 1500) -> Credentials:
    """Return credentials that end then."""
    return Credentials(name, Secret(_SECRET), Secret(token), expiration)


def put(store: SessionStore, question: str, seconds: int, *, profile: str = "dev") -> None:
    """Store credentials named after the question, which last so many seconds from now."""
    made = credentials(int(store._clock()) + seconds, name=question)
    store.put(question, made, access_key_id="AKIA", label="mfa", profile=profile, duration=seconds)


def crowd_the_kernel(path: str, *seconds: str) -> None:
    """Store sessions that last so many seconds, more than fit; print which are left."""
    store = SessionStore(Index(path), [KernelPlace(KernelKeyring())], time.time)
    for number, length in enumerate(seconds):
        made = credentials(int(time.time()) + int(length), token="t" * 3500)
        question = f"question {number}"
        store.put(question, made, access_key_id="AKIA", label="mfa", profile="dev", duration=int(length))
    left = [number for number in range(len(seconds)) if store.get(f"question {number}", 0)]
    say(json.dumps(left))
    say(len(Index(path).sessions()))
    store.forget()
    say(store.get(f"question {len(seconds) - 1}", 0))


def store_behind_a_filter(path: str, refusal: str) -> None:
    """Store where the kernel refuses its keyring; print what is found and what is listed."""
    _refuse_keyring_calls(int(refusal))
    store = SessionStore(Index(path), [KernelPlace(KernelKeyring())], time.time)
    put(store, "question", 3600)
    say(store.get("question", 0))
    say(Index(path).sessions())


# ---- beginnings --------------------------------------------------------------------------------------


def _become_plain_user() -> None:
    """Become a user that nobody else is, in an empty session keyring; who is no root stays who they are."""
    if os.geteuid() == 0:
        user = random.choice(_PLAIN_USERS)  # noqa: S311  # not to guess, only to differ
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    with suppress(OSError):
        _join_empty_session_keyring()


def _join_empty_session_keyring() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(_numbers()[1], _JOIN_SESSION_KEYRING, None)


def _refuse_keyring_calls(refusal: int) -> None:
    """Install a seccomp filter that answers add_key and keyctl with an error (seccomp(2), linux/filter.h)."""
    add_key, keyctl, _ = _numbers()
    load_number, jump_if_equal, answer = 0x20, 0x15, 0x06
    refuse, allow = 0x00050000 | refusal, 0x7FFF0000
    program = b"".join(
        code.to_bytes(2, sys.byteorder) + bytes((yes, no)) + value.to_bytes(4, sys.byteorder)
        for code, yes, no, value in (
            (load_number, 0, 0, 0),
            (jump_if_equal, 1, 0, add_key),
            (jump_if_equal, 0, 1, keyctl),
            (answer, 0, 0, refuse),
            (answer, 0, 0, allow),
        )
    )
    instructions = ctypes.create_string_buffer(program)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    filter_ = Program(len(program) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, with_filter = 38, 22, 2
    one, zero = ctypes.c_ulong(1), ctypes.c_ulong(0)
    assert libc.prctl(no_new_privileges, one, zero, zero, zero) == 0
    assert libc.prctl(set_seccomp, ctypes.c_ulong(with_filter), ctypes.byref(filter_), zero, zero) == 0


if __name__ == "__main__":
    _plain_user, _function, *_arguments = sys.argv[1:]
    if json.loads(_plain_user):
        _become_plain_user()
    globals()[_function](*_arguments)
