"""The command without its start: a fork of a process that has imported what any command could need.

Most of the processor's time in a short run goes into imports. Where a test is about what many runs do, one
after the other, and other tests see to the installed command, its runs can be forks. Each has a process, an
environment and streams of its own, as if it had been started.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

_COMMAND = str(Path(sys.executable).parent / "vaultpy")
_WITHIN_SECONDS = 60
_LONGEST_REQUEST = 200_000
_STREAMS = 3
# By prctl(2), where the system lets nobody but its parent trace a process: any other of the user may.
_SET_PTRACER, _ANY = 0x59616D61, ctypes.c_ulong(-1)
_NOT_FOR_COMMANDS = ("vaultpy.demo", "vaultpy.simulated", "vaultpy.__main__")
_FOUND_LATE = (
    "botocore.args",
    "botocore.client",
    "botocore.endpoint",
    "botocore.httpsession",
    "boto3.session",
    "cryptography.fernet",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.argon2",
    "smartcard.scard",
    "typer._adapters",
)


class Preloaded:
    """That process, while the context lasts: for one thread, and one run at a time.

    `environment` is what it starts with, for what acts as soon as a process starts (LD_PRELOAD). `apart` from
    others it is in a user namespace, in which no session of theirs takes the place of its in the keyring.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, *, apart: bool = False) -> None:
        self._environment = environment
        self._begin = ["unshare", "--map-root-user"] if apart else []
        self._control, self._there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*self._begin, sys.executable, "-I", __file__, str(self._there.fileno())],
            env=self._environment,
            pass_fds=[self._there.fileno()],
            stdin=subprocess.DEVNULL,
        )
        self._there.close()
        self._control.settimeout(_WITHIN_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.close()
        self._process.wait(_WITHIN_SECONDS)

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run vaultpy to its end, without a terminal."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin.encode())
            given.seek(0)
            self.begin(words, environment, (given, out, err))
            status = self.end()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, status, out.read().decode(), err.read().decode())

    def begin(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        streams: tuple[BinaryIO, BinaryIO, BinaryIO],
        *,
        stopped: bool = False,
    ) -> int:
        """Begin a run and return its process; what is `stopped` has done nothing yet and wants SIGCONT."""
        request = json.dumps({"words": [*words], "environment": {**environment}, "stopped": stopped})
        socket.send_fds(self._control, [request.encode()], [stream.fileno() for stream in streams])
        self._run = int(self._control.recv(_LONGEST_REQUEST))
        return self._run

    def end(self) -> int:
        """Wait for the end of the run; return its exit status, negative for the signal that ended it.

        Raises TimeoutError for a run that does not end, after killing it.
        """
        try:
            return int(self._control.recv(_LONGEST_REQUEST))
        except TimeoutError:
            os.killpg(self._run, signal.SIGKILL)
            self._control.recv(_LONGEST_REQUEST)  # else the next run would take it for an answer of its own
            raise


def _preload() -> None:
    from typer.main import get_command

    import vaultpy
    from vaultpy.cli.app import app

    for module in pkgutil.walk_packages(vaultpy.__path__, "vaultpy."):
        if not module.name.startswith(_NOT_FOR_COMMANDS):
            importlib.import_module(module.name)
    for name in _FOUND_LATE:
        importlib.import_module(name)
    get_command(app)
    gc.freeze()  # no fork has to look through these, which would copy them


def _serve(control: socket.socket) -> list[str] | None:
    """Fork for each request; return in a fork, with its words, and without any at the end."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, _LONGEST_REQUEST, _STREAMS)
        if not text:
            return None
        request = json.loads(text)
        process = os.fork()
        if not process:
            control.close()
            os.setsid()
            _take(descriptors, request["environment"])
            if request["stopped"]:
                ctypes.CDLL(None).prctl(_SET_PTRACER, _ANY, 0, 0, 0)
                os.kill(os.getpid(), signal.SIGSTOP)
            return list(request["words"])
        for descriptor in descriptors:
            os.close(descriptor)
        if request["stopped"]:
            os.waitpid(process, os.WUNTRACED)
        control.send(str(process).encode())
        control.send(str(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])).encode())


def _take(descriptors: list[int], environment: dict[str, str]) -> None:
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)


def _main() -> int:
    from vaultpy.__main__ import main

    _preload()
    words = _serve(socket.socket(fileno=int(sys.argv[1])))
    if words is None:
        return 0
    sys.argv = [_COMMAND, *words]
    return main()


if __name__ == "__main__":
    sys.exit(_main())
