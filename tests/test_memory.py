"""While vaultpy holds a secret, no other process of the user reads its memory; the command is as ever."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.pcscd import missing
from support.world import BIN, World
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")
# A plain user's process has a child with a secret and looks at it: parents may, where others may not.
LOOK = """
import ctypes, os, sys
from vaultpy.kernel_keyring import KernelKeyring, hide_memory
DUMPABLE = 4
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
libc = ctypes.CDLL(None)
libc.prctl(DUMPABLE, 1, 0, 0, 0)  # a change of the user undoes it
secret = ctypes.create_string_buffer(bytes(255 - byte for byte in b"hunter2 hunter2"))
ready, done = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    how = sys.argv[1]
    if how == "hidden":
        hide_memory()
    elif how == "by the keyring":
        KernelKeyring().names()
    elif how == "become":
        hide_memory()
        os.execv("/bin/sh", ["sh", "-c", f"echo >&{ready[1]}; read x <&{done[0]}"])
    os.write(ready[1], b"x")
    os.read(done[0], 1)
    os._exit(0)
os.set_inheritable(ready[1], True)
os.read(ready[0], 1)
for name in ("mem", "environ", "maps"):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            if name == "mem" and how_is(sys.argv[1]):
                file.seek(ctypes.addressof(secret))
                found = file.read(len(secret))
                assert found == bytes(secret)
            else:
                file.read(1) if name != "mem" else None
        print(name, "read")
    except OSError as error:
        print(name, "refused")
print("traced" if libc.ptrace(16, pid, 0, 0) == 0 else "not traced")  # PTRACE_ATTACH
libc.ptrace(17, pid, 0, 0)  # PTRACE_DETACH
os.write(done[1], b"x\\n")
os.waitpid(pid, 0)
""".replace("how_is(sys.argv[1])", 'sys.argv[1] == "open"')


def look(how: str) -> list[str]:
    """Return what a plain user's process is told of its child's memory."""
    script = LOOK.replace("ready, done = os.pipe(), os.pipe()", INHERITABLE)
    done = subprocess.run(
        [sys.executable, "-c", script, how], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


INHERITABLE = """
ready, done = os.pipe(), os.pipe()
for descriptor in (ready[1], done[0]):
    os.set_inheritable(descriptor, True)
"""
OPEN = ["mem read", "environ read", "maps read", "traced"]
SHUT = ["mem refused", "environ refused", "maps refused", "not traced"]


@LINUX
@pytest.mark.parametrize("how", ["hidden", "by the keyring"])
def test_another_process_of_the_user_is_refused_the_memory(how: str) -> None:
    if look("open") != OPEN:
        pytest.skip("this computer refuses it anyway (kernel.yama.ptrace_scope)")
    assert look(how) == SHUT


@LINUX
def test_what_it_becomes_is_as_open_as_ever() -> None:
    assert look("become") == look("open")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), finger=SteadyFinger()) as world:
        world.enrol()
        yield world


HIDES = re.compile(r"prctl\(PR_SET_DUMPABLE, (SUID_DUMP_DISABLE|0)\b.*= 0$")
EXEC = ("exec", "dev-role", "--", "true")
VERBS = {
    "cold": ("exec", "dev-role", "--no-cache", "--", "true"),
    "and keep": EXEC,
    "warm": EXEC,
    "remove": ("remove", "dev", "--yes"),
}


@LINUX
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: strace)")
def test_every_run_hides_it_before_it_opens_a_keystore_or_reads_a_session(
    world: World, tmp_path: Path
) -> None:
    secret_files = (world.environment["VAULTPY_KEYSTORE_PASSPHRASE_FILE"], "vaultpy/keystore")
    for name, words in VERBS.items():
        log = tmp_path / "trace"
        options = ["-f", "--seccomp-bpf", "-qq", "-o", str(log), "-e", "trace=prctl,openat,keyctl,execve"]
        done = subprocess.run(
            ["strace", *options, str(BIN / "vaultpy"), *words],
            env=world.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )
        assert done.returncode == 0, (name, done.stderr)
        lines = log.read_text().splitlines()
        hidden = [number for number, line in enumerate(lines) if HIDES.search(line)]
        secrets = [
            number
            for number, line in enumerate(lines)
            if "KEYCTL_READ" in line or any(file in line and ".lock" not in line for file in secret_files)
        ]
        assert hidden, name
        assert secrets, name
        assert hidden[0] < secrets[0], (name, lines[secrets[0]])
