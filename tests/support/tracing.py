"""Everything that a command, and what it starts, writes anywhere but to sockets and pipes: seen by strace.

Each text is shown byte by byte, so that nothing hides in how strace would print it.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from support.pseudo_terminal import PseudoTerminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# What takes a path or a text to a disk. Copying between descriptors inside the kernel has read nothing into
# the process, and so nothing secret of ours; a mapping could be written to without any call.
_CALLS = "%file,/^p?writev?(2|64|64v2)?$,mmap,memfd_create,setxattr,fsetxattr"
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_BYTE = re.compile(r"\\x([0-9a-f]{2})")
_UNSEEN = re.compile(r"mmap\(.*PROT_WRITE.*MAP_SHARED\b.*<(?!/dev/|/memfd:|anon_inode)")
_NO_FILE = ("<socket:", "<pipe:", "</dev/pts/", "</dev/tty>", "<TCP:", "<UNIX")
_WITHIN_SECONDS = 100


def traced(command: list[str], environment: dict[str, str], log: Path, *inject: str, stdin: str = "") -> str:
    """Run `command` to a good end, and return its output; `log` gets what it did.

    Each of `inject` lets system calls fail, in strace's words (`add_key:error=EPERM`).
    """
    options = [word for fault in inject for word in ("-e", f"inject={fault}")]
    failing = "".join("," + fault.partition(":")[0] for fault in inject)
    quick = [] if inject else ["--seccomp-bpf"]  # with which strace injects nothing
    tracer = ["strace", "-f", *quick, "-y", "-xx", "-s", "1000000", "-o", str(log)]
    done = subprocess.run(
        [*tracer, "-e", f"trace={_CALLS}{failing}", *options, *command],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_WITHIN_SECONDS,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Seen(NamedTuple):
    """All that a command let others see: words and variables of every process, files, what it printed."""

    status: int
    argv: bytes
    environment: bytes
    files: bytes
    stdout: bytes
    stderr: bytes


def seen(command: list[str], environment: dict[str, str], log: Path, stdin: str = "") -> Seen:
    """Run `command`; of variables, those of the first process are left out, which are `environment`.

    So are those of every process that has them unchanged.
    """
    done = subprocess.run(
        [*_watching(log), *command],
        env=environment,
        input=stdin.encode(),
        capture_output=True,
        timeout=_WITHIN_SECONDS,
        start_new_session=True,
        check=False,
    )
    return Seen(done.returncode, *_told(log, environment), done.stdout, done.stderr)


def seen_at_terminal(
    command: list[str],
    environment: dict[str, str],
    log: Path,
    conversation: Callable[[PseudoTerminal], object],
) -> Seen:
    """Run `command` at a terminal where somebody sits; all that it shows is its `stdout`."""
    with PseudoTerminal([*_watching(log), *command], environment) as terminal:
        conversation(terminal)
        status = terminal.wait()
    return Seen(status, *_told(log, environment), terminal.screen.encode(), b"")


def _watching(log: Path) -> list[str]:
    options = ["-f", "--seccomp-bpf", "-y", "-xx", "-s", "1000000", "-e", "abbrev=!execve", "-o", str(log)]
    return ["strace", *options, "-e", f"trace={_CALLS}"]


def _told(log: Path, environment: dict[str, str]) -> tuple[bytes, bytes, bytes]:
    """Return the words, the variables and the files that the log tells of."""
    given = {f"{name}={value}".encode() for name, value in environment.items()}
    argv, variables, files = [], [], []
    for line in log.read_text(encoding="ascii").splitlines():
        call = line.partition("(")[0]
        texts = [bytes.fromhex(found.replace("\\x", "")) for found in _TEXT.findall(line)]
        if call.endswith("execve"):
            words, _, names = line.partition("], [")
            count = len(_TEXT.findall(words))
            argv += texts[:count]
            variables += [text for text in texts[count:] if names and text not in given]
            continue
        head = _BYTE.sub(lambda byte: chr(int(byte[1], 16)), line.partition('"')[0])
        assert not _UNSEEN.search(head), head[:200]
        if "write" not in call or not any(it in head for it in _NO_FILE):
            files += texts
    return b"\n".join(argv), b"\n".join(variables), b"\n".join(files)


def written(log: Path) -> bytes:
    """Return every path that was used and every byte that was written, as the log of `traced` tells.

    Fails where a file was mapped so that it could be written unseen. The words of the commands are in it,
    their environments are not.
    """
    found = []
    for line in log.read_text(encoding="ascii").splitlines():
        text = _BYTE.sub(lambda byte: chr(int(byte[1], 16)), line)
        if any(it in text for it in _NO_FILE) and "write" in text.partition("(")[0]:
            continue
        assert not _UNSEEN.search(text), text[:200]
        found.append(text)
    return "\n".join(found).encode("latin-1")


def leaks(data: bytes, secrets: Mapping[str, bytes]) -> list[str]:
    """Return the names of those `secrets` that stand in `data`; digits only where no digit is beside them."""
    return [
        name
        for name, secret in secrets.items()
        if re.search(rb"(?<!\d)%s(?!\d)" % secret if secret.isdigit() else re.escape(secret), data)
    ]
