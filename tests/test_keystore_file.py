"""The encrypted keystore file: its format, its passphrase, and that nobody else reads, tears or loses it.

What every keystore does stands in contracts/.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from support.keystore_fixtures import Answers
from vaultpy.errors import (
    KeystoreFileDamaged,
    KeystoreFileUnusable,
    PassphraseEmpty,
    PassphraseUnreadable,
    PassphraseWrong,
    VaultpyError,
)
from vaultpy.keystore import open_keystore
from vaultpy.keystore_file import FileKeystore, keystore_file_path
from vaultpy.keystore_format import Argon2
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ITEM = "access-key/AKIAIOSFODNN7EXAMPLE"
TEXT = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
CHEAP = Argon2(memory=64, passes=1, lanes=1)
NOBODY = 65534


def keystore_at(
    path: Path, answers: Answers | None = None, environ: Mapping[str, str] | None = None
) -> FileKeystore:
    return FileKeystore(str(path), environ or {}, answers or Answers(), CHEAP)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a keystore file that holds one item."""
    path = tmp_path / "keystore"
    keystore_at(path).set(ITEM, TEXT)
    return path


def read_as_documented(data: bytes, passphrase: str) -> dict[str, str]:
    """Read a keystore file by the table in keystore_format's docstring alone."""
    derived = Argon2id(
        salt=data[16:32],
        length=48,
        lanes=data[9],
        iterations=int.from_bytes(data[10:12], "big"),
        memory_cost=int.from_bytes(data[12:16], "big"),
    ).derive(passphrase.encode())
    assert data[:9] == b"VAULTPYK\x01"
    assert data[32:48] == derived[32:]
    assert data[48:56] == hashlib.blake2b(data[:48], digest_size=8).digest()
    items: dict[str, str] = json.loads(AESGCM(derived[:32]).decrypt(data[56:68], data[68:], data[:68]))
    return items


def with_parameters(data: bytes, *, memory: int, passes: int, lanes: int) -> bytes:
    """Return the file `data` with other Argon2id parameters and a checksum that fits them."""
    parameters = bytes([lanes]) + passes.to_bytes(2, "big") + memory.to_bytes(4, "big")
    head = data[:9] + parameters + data[16:48]
    return head + hashlib.blake2b(head, digest_size=8).digest() + data[56:]


# ---- the format --------------------------------------------------------------------------------------


def test_the_file_is_what_its_documentation_says(path: Path) -> None:
    assert read_as_documented(path.read_bytes(), "correct horse") == {ITEM: TEXT.reveal()}


def test_a_new_file_costs_a_thief_64_mib_and_three_passes(tmp_path: Path, answers: Answers) -> None:
    keystore = open_keystore("file", {}, answers, str(tmp_path / "keystore"))
    keystore.set(ITEM, TEXT)
    data = (tmp_path / "keystore").read_bytes()
    assert (data[9], data[10:12], data[12:16]) == (4, b"\0\3", (64 * 1024).to_bytes(4, "big"))
    assert keystore.get(ITEM) == TEXT


def test_nothing_of_it_is_in_clear(path: Path) -> None:
    data = path.read_bytes()
    for clear in (TEXT.reveal(), ITEM, "AKIA", "correct horse"):
        assert clear.encode() not in data


def test_each_write_has_a_nonce_of_its_own(path: Path) -> None:
    files = []
    for _ in range(5):
        keystore_at(path).set(ITEM, TEXT)
        files.append(path.read_bytes())
    assert len({data[56:68] for data in files}) == 5
    assert len({data[16:32] for data in files}) == 1


def test_each_file_has_a_salt_of_its_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        keystore_at(tmp_path / name).set(ITEM, TEXT)
    assert (tmp_path / "one").read_bytes()[16:32] != (tmp_path / "two").read_bytes()[16:32]


def test_a_file_keeps_the_parameters_that_it_was_made_with(path: Path) -> None:
    dearer = FileKeystore(str(path), {}, Answers(), Argon2(memory=128, passes=2, lanes=1))
    dearer.set("other", TEXT)
    assert path.read_bytes()[9:16] == b"\1\0\1\0\0\0\x40"
    assert keystore_at(path).get("other") == TEXT


# ---- damage ------------------------------------------------------------------------------------------


def refused(path: Path) -> VaultpyError:
    """Return the error of reading the file; writing was seen to meet the same and to change nothing."""
    before = path.read_bytes()
    with pytest.raises(VaultpyError) as reading:
        keystore_at(path).get(ITEM)
    with pytest.raises(type(reading.value)):
        keystore_at(path).set(ITEM, Secret("new"))
    with pytest.raises(type(reading.value)):
        keystore_at(path).delete(ITEM)
    assert path.read_bytes() == before
    return reading.value


def test_every_flipped_bit_is_found_and_never_blamed_on_the_passphrase(path: Path) -> None:
    data = path.read_bytes()
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        assert isinstance(refused(path), KeystoreFileUnusable if position < 9 else KeystoreFileDamaged)


def test_a_file_cut_short_anywhere_is_refused(path: Path) -> None:
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert isinstance(refused(path), KeystoreFileUnusable if length < 8 else KeystoreFileDamaged)


def test_something_appended_is_found(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")
    assert "its content does not match its tag" in refused(path).message


@pytest.mark.parametrize(
    ("memory", "passes", "lanes"),
    [
        (64 * 1024 * 1024, 3, 4),
        (0xFFFFFFFF, 0xFFFF, 255),
        (1024 * 1024, 5, 4),
        (128, 0xFFFF, 1),
        (64, 0, 1),
        (64, 1, 0),
        (64, 1, 16),
        (0, 1, 1),
    ],
)
def test_planted_parameters_that_nobody_could_bear_are_refused(
    path: Path, memory: int, passes: int, lanes: int
) -> None:
    path.write_bytes(with_parameters(path.read_bytes(), memory=memory, passes=passes, lanes=lanes))
    assert refused(path).message.endswith("its Argon2id parameters are out of bounds")


def test_planted_parameters_that_are_cheaper_open_nothing(path: Path) -> None:
    path.write_bytes(with_parameters(path.read_bytes(), memory=8, passes=1, lanes=1))
    assert isinstance(refused(path), PassphraseWrong)


def test_a_file_that_is_not_ours_is_left_alone(path: Path) -> None:
    path.write_text("[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n")
    assert "it is not a keystore file of vaultpy's" in refused(path).message


def test_a_newer_format_is_left_to_a_newer_vaultpy(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\2" + data[9:])
    assert "its format 2 needs another vaultpy" in refused(path).message


def test_an_endless_file_is_not_read(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(KeystoreFileUnusable, match="it is larger than 1 MiB"):
        keystore_at(path).get(ITEM)


def test_a_file_does_not_outgrow_what_is_read_again(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(KeystoreFileUnusable, match="it is larger than 1 MiB"):
        keystore_at(path).set("huge", Secret("x" * (1 << 20)))
    assert path.read_bytes() == before


# ---- the passphrase ----------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_named_as_such_and_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    for call in ("get", "delete"):
        with pytest.raises(PassphraseWrong):
            getattr(keystore_at(path, Answers("wrong")), call)(ITEM)
    with pytest.raises(PassphraseWrong):
        keystore_at(path, Answers("wrong")).set(ITEM, Secret("new"))
    assert path.read_bytes() == before


def test_after_a_wrong_passphrase_the_same_keystore_asks_again(path: Path) -> None:
    user = Answers("wrong")
    keystore = keystore_at(path, user)
    with pytest.raises(PassphraseWrong):
        keystore.get(ITEM)
    user.text = "correct horse"
    assert keystore.get(ITEM) == TEXT


def test_the_passphrase_is_asked_for_once_and_derived_once(path: Path) -> None:
    user = Answers()
    keystore = keystore_at(path, user)
    keystore.get(ITEM)
    derived = keystore._derived
    keystore.set(ITEM, TEXT)
    keystore.get(ITEM)
    assert keystore._derived is derived
    assert user.asked == [(str(path), False)]


def test_a_new_file_asks_for_a_new_passphrase(tmp_path: Path) -> None:
    user = Answers()
    keystore_at(tmp_path / "keystore", user).set(ITEM, TEXT)
    assert user.asked == [(str(tmp_path / "keystore"), True)]


def test_without_a_file_reading_and_deleting_ask_and_make_nothing(tmp_path: Path) -> None:
    user = Answers()
    keystore = keystore_at(tmp_path / "keystore", user)
    assert keystore.get(ITEM) is None
    keystore.delete(ITEM)
    assert user.asked == []
    assert list(tmp_path.iterdir()) == []


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PassphraseEmpty):
        keystore_at(tmp_path / "keystore", Answers("")).set(ITEM, TEXT)
    assert list(tmp_path.iterdir()) == []


def test_the_environment_answers_before_the_user(path: Path) -> None:
    user = Answers("wrong")
    environ = {"VAULTPY_KEYSTORE_PASSPHRASE": "correct horse"}
    assert keystore_at(path, user, environ).get(ITEM) == TEXT
    assert user.asked == []


def passphrase_file(path: Path, content: bytes, mode: int = 0o600) -> dict[str, str]:
    """Write a passphrase file and return the environment that names it."""
    path.write_bytes(content)
    path.chmod(mode)
    return {"VAULTPY_KEYSTORE_PASSPHRASE_FILE": str(path)}


@pytest.mark.parametrize("content", ["correct horse", "correct horse\n", "correct horse\r\nand a comment\n"])
def test_the_first_line_of_a_passphrase_file_answers(path: Path, tmp_path: Path, content: str) -> None:
    environ = passphrase_file(tmp_path / "passphrase", content.encode())
    assert keystore_at(path, Answers("wrong"), environ).get(ITEM) == TEXT


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing", "No such file or directory"), ("empty", "its first line is empty"), (".", "Is a directory")],
)
def test_a_passphrase_file_that_does_not_serve_is_named(
    path: Path, tmp_path: Path, name: str, reason: str
) -> None:
    passphrase_file(tmp_path / "empty", b"\nsecond line\n")
    environ = {"VAULTPY_KEYSTORE_PASSPHRASE_FILE": str(tmp_path / name)}
    with pytest.raises(PassphraseUnreadable, match=reason):
        keystore_at(path, environ=environ).get(ITEM)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602])
def test_a_passphrase_file_that_others_may_use_is_refused(path: Path, tmp_path: Path, mode: int) -> None:
    environ = passphrase_file(tmp_path / "passphrase", b"correct horse\n", mode)
    with pytest.raises(PassphraseUnreadable, match=f"others may use it: its mode is {mode:04o}"):
        keystore_at(path, environ=environ).get(ITEM)


def test_a_pipe_may_hand_the_passphrase_over(path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"correct horse\n")
    os.close(write)
    environ = {"VAULTPY_KEYSTORE_PASSPHRASE_FILE": f"/dev/fd/{read}"}
    assert keystore_at(path, environ=environ).get(ITEM) == TEXT
    os.close(read)


def test_any_passphrase_works_also_one_that_is_no_text(tmp_path: Path) -> None:
    environ = passphrase_file(tmp_path / "passphrase", b"gr\xfc\xdfe \xf0\x9f\x94\x91\n")
    keystore_at(tmp_path / "keystore", environ=environ).set(ITEM, TEXT)
    typed = os.fsdecode(b"gr\xfc\xdfe \xf0\x9f\x94\x91")
    assert keystore_at(tmp_path / "keystore", Answers(typed)).get(ITEM) == TEXT


# ---- where it lies and who may use it ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"VAULTPY_KEYSTORE_FILE": "/k/file", "XDG_DATA_HOME": "/data"}, "/k/file"),
        ({"XDG_DATA_HOME": "/data", "HOME": "/home/me"}, "/data/vaultpy/keystore"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/home/me"}, "/home/me/.local/share/vaultpy/keystore"),
        ({"HOME": "/home/me"}, "/home/me/.local/share/vaultpy/keystore"),
    ],
)
def test_the_environment_says_where_it_lies(environ: dict[str, str], expected: str) -> None:
    assert keystore_file_path(environ) == expected


def test_a_relative_path_is_made_absolute_so_that_it_can_be_remembered() -> None:
    assert keystore_file_path({"VAULTPY_KEYSTORE_FILE": "keys"}) == str(Path.cwd() / "keys")


def test_it_is_private_whatever_the_umask(tmp_path: Path, answers: Answers) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path / "data"), "VAULTPY_KEYSTORE_PASSPHRASE": "correct horse"}
    old = os.umask(0)
    try:
        open_keystore("file", environ, answers).set(ITEM, TEXT)
    finally:
        os.umask(old)
    made = {found.name: found.stat().st_mode & 0o777 for found in (tmp_path / "data").rglob("*")}
    assert made == {"vaultpy": 0o700, "keystore": 0o600, "keystore.lock": 0o600}


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    keystore_at(tmp_path / "keystore").set(ITEM, TEXT)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622, 0o644])
def test_a_file_that_others_may_use_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert f"others may use it: its mode is {mode:04o}" in refused(path).message


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    for name in (".", "fifo"):
        with pytest.raises(KeystoreFileUnusable, match="it is not a regular file"):
            keystore_at(tmp_path / name).get(ITEM)


def test_a_symlink_stays_one_and_its_target_is_the_keystore(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    keystore_at(link).set("other", TEXT)
    assert link.is_symlink()
    assert keystore_at(path).get("other") == TEXT
    assert not (tmp_path / "link.lock").exists()


_AS_NOBODY = f"""
import os, sys
import cryptography.hazmat.primitives.ciphers.aead, cryptography.hazmat.primitives.kdf.argon2
from support.keystore_fixtures import Answers
from vaultpy.errors import VaultpyError
from vaultpy.keystore_file import FileKeystore
from vaultpy.keystore_format import Argon2
from vaultpy.values import Secret
os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})
environ = {{"VAULTPY_KEYSTORE_PASSPHRASE_FILE": sys.argv[3]}} if sys.argv[3:] else {{}}
keystore = FileKeystore(sys.argv[2], environ, Answers(), Argon2(64, 1, 1))
try:
    keystore.set("item", Secret("text")) if sys.argv[1] == "set" else keystore.get("item")
    print("done")
except VaultpyError as error:
    print(type(error).__name__, error.message)
"""


@pytest.fixture
def shared_directory() -> Iterator[Path]:
    """Yield a directory that every user can enter; root alone can write there."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_nobody(*words: str) -> str:
    """Return what a user without any rights gets; the process is root until all is imported."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, *words],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.strip() or done.stderr


def test_the_file_of_another_user_is_not_used(shared_directory: Path) -> None:
    path = shared_directory / "keystore"
    keystore_at(path).set(ITEM, TEXT)
    assert as_nobody("get", str(path)) == (
        f"KeystoreFileUnusable cannot use the keystore file {path}: Permission denied"
    )
    path.chmod(0o666)
    assert as_nobody("get", str(path)) == (
        f"KeystoreFileUnusable cannot use the keystore file {path}: it belongs to user id 0"
    )


def test_a_directory_that_cannot_be_written_is_told_so_and_stays_as_it_was(shared_directory: Path) -> None:
    for path in (shared_directory / "keystore", shared_directory / "new" / "keystore"):
        assert as_nobody("set", str(path)).startswith(
            f"KeystoreFileUnusable cannot use the keystore file {path}: "
        )
    assert list(shared_directory.iterdir()) == []


def test_a_passphrase_file_of_another_user_is_named(shared_directory: Path) -> None:
    passphrase = shared_directory / "passphrase"
    passphrase.write_text("correct horse\n")
    passphrase.chmod(0o600)
    (shared_directory / "own").mkdir()
    os.chown(shared_directory / "own", NOBODY, NOBODY)
    answer = as_nobody("set", str(shared_directory / "own" / "keystore"), str(passphrase))
    assert answer == f"PassphraseUnreadable cannot read the passphrase from {passphrase}: Permission denied"


def test_a_user_can_use_a_file_of_his_own(shared_directory: Path) -> None:
    os.chown(shared_directory, NOBODY, NOBODY)
    assert as_nobody("set", str(shared_directory / "keystore")) == "done"
    assert as_nobody("get", str(shared_directory / "keystore")) == "done"


# ---- several writers, and writers that are killed ----------------------------------------------------

_WRITER = """
import sys
from support.keystore_fixtures import Answers
from vaultpy.keystore_file import FileKeystore
from vaultpy.keystore_format import Argon2
from vaultpy.values import Secret
_, path, name, times = sys.argv
keystore = FileKeystore(path, {}, Answers(), Argon2(64, 1, 1))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(times)):
    keystore.set(f"{name}-{number}", Secret("text"))
"""


def writer(path: Path, name: str, times: int) -> subprocess.Popen[str]:
    """Start a process that stores `name-0`, `name-1`, … once it gets a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), name, str(times)],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_writers_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "keystore"
    writers = [writer(path, f"writer-{number}", 25) for number in range(4)]
    for process in writers:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in writers:
        process.communicate(timeout=60)
        assert process.returncode == 0
    items = read_as_documented(path.read_bytes(), "correct horse")
    assert set(items) == {f"writer-{writer}-{number}" for writer in range(4) for number in range(25)}


def test_two_who_make_the_file_at_once_agree_on_one_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "keystore"

    class Overtaken(Answers):
        def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # always called by keyword
            keystore_at(Path(path), Answers("the faster one's")).set("first", TEXT)
            return super().passphrase(path, new)

    with pytest.raises(PassphraseWrong):
        keystore_at(path, Overtaken("the slower one's")).set("second", TEXT)
    assert set(read_as_documented(path.read_bytes(), "the faster one's")) == {"first"}


_KILLED = """
import os, signal, sys
from itertools import count
from pathlib import Path
import cryptography.hazmat.primitives.ciphers.aead, cryptography.hazmat.primitives.kdf.argon2
from support.keystore_fixtures import Answers
from vaultpy.keystore_file import FileKeystore
from vaultpy.keystore_format import Argon2
from vaultpy.values import Secret


def store(text, moment):
    left = moment

    def die_at_the_moment(frame, event, argument):
        nonlocal left
        if event in ("c_call", "c_return"):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    keystore = FileKeystore(sys.argv[1], {}, Answers(), Argon2(64, 1, 1))
    sys.setprofile(die_at_the_moment)
    keystore.set("item", text)
    os._exit(0)


old = None
for moment in count(1, int(sys.argv[2])):
    new = Secret(f"{moment} " + "x" * 5000)
    child = os.fork() or store(new, moment)
    ended = os.waitpid(child, 0)[1]
    found = FileKeystore(sys.argv[1], {}, Answers(), Argon2(64, 1, 1)).get("item")
    assert found == new or (found == old and ended), (moment, found)
    if not ended:
        print(moment)
        break
    old = found
    for abandoned in Path(sys.argv[1]).parent.glob("*.vaultpy-new"):
        abandoned.unlink()  # else the next one, meeting more of them, would do more each time
"""


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.long)], ids=["some", "all"])
def test_a_writer_killed_at_any_moment_leaves_the_old_or_the_new_and_no_lock(
    tmp_path: Path, every: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path / "keystore"), str(every)],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50  # a kill before and after each call into the system, and many others


_AT_ONCE = """
import sys, threading
from support.keystore_fixtures import Answers
from vaultpy.keystore_file import FileKeystore
from vaultpy.keystore_format import Argon2
from vaultpy.values import Secret

derive, most = set(), 0

def watch(frame, event, call):
    global most
    if event in ("c_call", "c_return", "c_exception") and call.__name__ == "derive":
        (derive.add if event == "c_call" else derive.discard)(threading.get_ident())
        most = max(most, len(derive))

def look():
    keystore = FileKeystore(sys.argv[1], {}, Answers())
    ready.wait()
    assert keystore.get("item") == Secret("text")
    done.append(keystore)

FileKeystore(sys.argv[1], {}, Answers(), Argon2(memory=16384, passes=1, lanes=4)).set("item", Secret("text"))
threads = [threading.Thread(target=look, daemon=True) for _ in range(8)]
ready, done = threading.Barrier(len(threads)), []
threading.setprofile(watch)
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(10)
print(len(done), "keystores opened,", most, "at a time", flush=True)
"""


def test_of_threads_that_open_it_at_once_one_derives_at_a_time(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AT_ONCE, str(tmp_path / "keystore")],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,  # without turns they may wait for each other for ever
    )
    assert done.stdout == "8 keystores opened, 1 at a time\n", done.stderr


# ---- nothing shows -----------------------------------------------------------------------------------


WRONG = "wrong horse"


def traceback_of_storing(path: Path, answers: Answers) -> str:
    """Return the traceback of a failing `set`, with all local variables."""
    with pytest.raises(VaultpyError) as failed:
        keystore_at(path, answers).set(ITEM, TEXT)
    return "".join(traceback.TracebackException.from_exception(failed.value, capture_locals=True).format())


def test_tracebacks_show_neither_secret_nor_passphrase_even_with_local_variables(path: Path) -> None:
    damaged = path.with_name("damaged")
    damaged.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    damaged.chmod(0o600)
    unwritable = path.with_name("k" * 245)  # too long for the temporary file beside it
    for place, user in ((unwritable, Answers()), (damaged, Answers()), (path, Answers(WRONG))):
        shown = traceback_of_storing(place, user)
        assert "keystore_file.py" in shown
        for secret in (TEXT.reveal(), "correct horse", WRONG):
            assert secret not in shown


def test_what_cannot_be_written_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(KeystoreFileUnusable, match="File name too long"):
        keystore_at(tmp_path / ("k" * 245)).set(ITEM, TEXT)
