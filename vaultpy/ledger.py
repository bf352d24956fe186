"""One process at a time, and no MFA code twice: locks, the time steps that are spent, and AWS's clock.

A time step is the number of a 30-second interval since the epoch (RFC 6238). AWS takes a code once per MFA
device, so a step is entered here, durably, before its code is sent. These files hold no secret and outlive
every `clear`.
"""
# pathlib and contextlib would cost every warm start milliseconds:
# ruff: noqa: PTH118

from __future__ import annotations

import os
import time

from vaultpy.aws_time import AwsTime, unusable
from vaultpy.digests import digest
from vaultpy.errors import StillBusy
from vaultpy.mfa import STEP_SECONDS
from vaultpy.state import (
    locked,
    make_private_directory,
    open_lock_file,
    open_replaced,
    replace_file,
    try_lock,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_STEPS_AHEAD = 2
# flock knows no time limit, a thread that waits in it cannot be called back, and SIGALRM belongs to the main
# program; fifty processes that ask at this pace cost a few hundredths of one processor.
_POLL_SECONDS = 0.05
_CHANGES_KEYS = "changing access keys"
# A rotation may ask for a touch, then waits for a minute until AWS knows its key, and asks for more.
_ROTATION_SECONDS = 180.0
_BUSY = {
    "rotation": (_CHANGES_KEYS, "see what it waits for, or end that process, then run this again"),
}
_BUSY_WITH_MFA = (
    "getting the same credentials",
    "touch the YubiKey if it blinks, or end that process, then run this again",
)


class Lock:
    """A lock that is held by one process (and one thread) at a time; free at once when its holder dies.

    Its file names the holder's process for those who wait.
    """

    __slots__ = ("_busy", "_descriptor", "_path", "_patience", "_waiting")

    def __init__(
        self, path: str, waiting: Callable[[int], None], patience: float, busy: tuple[str, str]
    ) -> None:
        """`busy` says what a holder does, and what to do where that takes too long."""
        self._path = path
        self._busy = busy
        self._waiting = waiting
        self._patience = patience
        self._descriptor = -1

    def __enter__(self) -> None:
        """Wait for the lock; raises StillBusy when patience ends, and StateUnusable."""
        try:
            self._descriptor = open_lock_file(self._path)
            try:
                self._wait()
                self._sign(f"{os.getpid()}\n")
            except BaseException:
                os.close(self._descriptor)
                raise
        except OSError as error:
            raise unusable(self._path, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lock."""
        try:
            self._sign("")
        except OSError:
            pass  # a full disk; the name that is left says nothing once the lock is free
        finally:
            os.close(self._descriptor)

    def _wait(self) -> None:
        began = time.monotonic()
        said = False
        while not try_lock(self._descriptor):
            holder = self._holder()
            if holder and not said:
                said = True
                self._waiting(holder)
            waited = time.monotonic() - began
            if waited >= self._patience:
                doing, remedy = self._busy
                raise StillBusy(pid=holder or "?", seconds=round(waited), doing=doing, remedy=remedy)
            time.sleep(_POLL_SECONDS)

    def _sign(self, text: str) -> None:
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text.encode())

    def _holder(self) -> int:
        """Return the holder's process; 0 in the instant before it has signed."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        try:
            return int(os.read(self._descriptor, 100))
        except ValueError:
            return 0


class Ledger:
    """The locks and ledger in the state directory `directory`; `clock` gives this computer's epoch.

    Every method raises StateUnusable when a file cannot be used.
    """

    def __init__(self, directory: str, clock: Callable[[], float]) -> None:
        self._locks = os.path.join(directory, "locks")
        self._ledger = os.path.join(directory, "ledger")
        self.time = AwsTime(self._ledger, clock)

    def lock(self, kind: str, name: str, *, waiting: Callable[[int], None], patience: float = 90.0) -> Lock:
        """Return the lock of what is called `name`, to be used with `with`.

        `kind` is `mfa` for a device, `role` for a session's question, `signing` for an access key on a
        YubiKey. `waiting` is told the holder's process id, once, if the lock must be waited for. After
        `patience` seconds StillBusy names the holder.
        """
        make_private_directory(self._locks)
        busy = _BUSY.get(kind, _BUSY_WITH_MFA)
        return Lock(os.path.join(self._locks, f"{kind}-{digest(name)}"), waiting, patience, busy)

    def key_changes(self, note: Callable[[str], None], patience: float = _ROTATION_SECONDS) -> Lock:
        """Return the lock of all that change which access key an enrolment has, on this computer.

        Who waits is told so by `note`.
        """

        def say(pid: int) -> None:
            note(f"waiting for process {pid}, which is {_CHANGES_KEYS}")

        return self.lock("rotation", "", waiting=say, patience=patience)

    def spent(self, serial: str) -> int | None:
        """Return the last step whose code was sent for the MFA device `serial`.

        One that is more than two ahead of AWS's time was entered under a wrong clock and does not count. An
        entry that cannot be understood counts as the present step: the next code is certain to be fresh.
        """
        text = self._read(self._entry(serial))
        if text is None:
            return None
        try:
            step = int(text)
        except ValueError:
            return self._step()
        return step if step <= self._step() + _STEPS_AHEAD else None

    def spend(self, serial: str, step: int) -> None:
        """Enter `step` as spent, unless a later one is; when this returns it is on the disk."""
        path = self._entry(serial)
        make_private_directory(self._ledger)
        try:
            with locked(path + ".lock"):
                spent = self.spent(serial)
                if spent is None or spent < step:
                    replace_file(path, f"{step}\n".encode())
        except OSError as error:
            raise unusable(path, error) from error

    def next_step(self, serial: str) -> int:
        """Return the first step, at AWS's time or later, that is not spent for the MFA device `serial`."""
        spent = self.spent(serial)
        return self._step() if spent is None else max(self._step(), spent + 1)

    def _step(self) -> int:
        return int(self.time() // STEP_SECONDS)

    def _entry(self, serial: str) -> str:
        return os.path.join(self._ledger, f"mfa-{digest(serial)}")

    def _read(self, path: str) -> str | None:
        try:
            with open_replaced(path) as file:
                return file.read().decode("ascii", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unusable(path, error) from error
