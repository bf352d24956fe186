"""A pcscd of the tests' own, with virtual readers, beside the system's and without its help.

It runs in a user and mount namespace in which /run is a directory of ours, so it needs neither root nor
systemd, and meets neither the system's pcscd nor its D-Bus. An empty directory hides the USB readers'
drivers: it never takes a real key that is plugged in. It ends with the thread that started it, also when
that is killed.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

YUBIKEY_READER = "Yubico YubiKey OTP+FIDO+CCID"
NFC_READER = "ACS ACR122U PICC Interface"

_DRIVER = "libifdvpcd.so"
_READY = "daemon ready"
_EVENTS = {"Card inserted into": True, "Card Removed From": False}
_READY_WITHIN = 30.0
_NOTICED_WITHIN = 10.0
_SLOTS = 2
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_IN_NAMESPACE = """
mount --bind "$1" /run && mount --bind "$2" "$3" || exit
shift 3
exec setpriv --pdeathsig TERM "$@"
"""


@cache
def missing() -> str | None:
    """Return what must be installed before a `Pcscd` can run here, None where nothing is missing."""
    if not shutil.which("pcscd", path=_PATH):
        return "pcscd is not installed (Debian: pcscd)"
    if not shutil.which("unshare"):
        return "unshare is not installed (Debian: util-linux)"
    if _driver() is None:
        return f"{_DRIVER} is not installed (Debian: vsmartcard-vpcd)"
    return None


class Reader:
    """The first slot of a virtual reader: `port` is where its driver waits for a card."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self._changed = threading.Condition()
        self._present = False

    def wait_until(self, *, present: bool) -> None:
        """Return as soon as pcscd sees a card here, or none; raises TimeoutError if that never comes."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._present is present, _NOTICED_WITHIN):
                raise TimeoutError(
                    f"{self.name}: pcscd did not notice the card {'come' if present else 'go'}"
                )

    def notice(self, *, present: bool) -> None:
        """Take in that pcscd sees a card here, or none."""
        with self._changed:
            self._present = present
            self._changed.notify_all()


class Pcscd:
    """A running pcscd while the context lasts, with a reader of each name in `readers`.

    The names must differ. pcscd appends ` 00 00` to each and adds an empty second slot, ` 00 01`: the driver
    has two. `environment` leads a PC/SC client here; `directory`, which must exist, holds all its files.
    """

    def __init__(self, directory: Path, readers: Sequence[str] = (YUBIKEY_READER,)) -> None:
        self.environment = {"PCSCLITE_CSOCK_NAME": str(directory / "run" / "pcscd" / "pcscd.comm")}
        self.readers: list[Reader] = []
        self.directory = directory
        self._names = readers
        self._cleanup = ExitStack()
        self._ready = threading.Event()
        self._log: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self.readers = [
                Reader(f"{name} 00 00", cleanup.enter_context(_consecutive_ports())) for name in self._names
            ]
            process = cleanup.enter_context(self._start())
            listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
            listener.start()
            cleanup.callback(listener.join)
            cleanup.callback(process.terminate)
            self._ready.wait(_READY_WITHIN)
            if not any(_READY in line for line in self._log):
                raise RuntimeError("pcscd did not start:\n" + "".join(self._log))
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def _start(self) -> subprocess.Popen[str]:
        pcscd = shutil.which("pcscd", path=_PATH)
        driver = _driver()
        if pcscd is None or driver is None:
            raise RuntimeError(missing())
        run, entries, nothing = (self.directory / name for name in ("run", "reader.conf.d", "no-drivers"))
        for directory in (run, entries, nothing):
            directory.mkdir()
        for number, (name, reader) in enumerate(zip(self._names, self.readers, strict=True)):
            # Each reader has a copy of its own: the driver keeps its slots in variables, one set a library.
            copy = self.directory / f"{number}-{_DRIVER}"
            shutil.copy(driver, copy)
            (entries / str(number)).write_text(_entry(name, reader.port, copy))
        about = _about(pcscd)
        drivers = re.search(r"usbdropdir=(\S+)", about)
        command = [pcscd, "--foreground", "--info", "--config", str(entries)]
        if re.search(r"\bpolkit\b", about):
            command.append("--disable-polkit")
        namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", _IN_NAMESPACE, "sh"]
        hidden = [str(run), str(nothing), drivers[1] if drivers else "/usr/lib/pcsc/drivers"]
        return subprocess.Popen(
            [*namespace, *hidden, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def _listen(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self._log.append(line)
            for reader in self.readers:
                for event, present in _EVENTS.items():
                    if line.endswith(f"{event} {reader.name}\n"):
                        reader.notice(present=present)
            if _READY in line:
                self._ready.set()
        self._ready.set()


@contextmanager
def _consecutive_ports() -> Iterator[int]:
    """Hold two TCP ports and yield the first; nobody else gets them, but the driver can listen on them.

    They are bound strictly, so that no other test run has them, and shared afterwards: on Linux the driver,
    which binds with SO_REUSEADDR, can then listen where we only stay bound.
    """
    while True:
        with ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in range(_SLOTS)]
            sockets[0].bind(("", 0))
            first: int = sockets[0].getsockname()[1]
            try:
                sockets[1].bind(("", first + 1))
            except (OSError, OverflowError):
                continue
            for each in sockets:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            yield first
            return


@cache
def _driver() -> Path | None:
    return next(Path("/usr/lib").rglob(_DRIVER), None)


@cache
def _about(pcscd: str) -> str:
    return subprocess.run([pcscd, "--version"], capture_output=True, text=True, check=True).stdout


def _entry(name: str, port: int, driver: Path) -> str:
    return f'FRIENDLYNAME "{name}"\nDEVICENAME /dev/null:{port}\nLIBPATH {driver}\nCHANNELID {port}\n'
