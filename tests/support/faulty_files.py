"""`write` with a fault at each of its operations on files, before it and after it, in a process of its own.

`python -m support.faulty_files error|'kill -9' DIRECTORY` prints how many faults it tried. The operations are
noticed by `sys.setprofile`, so that nothing of vaultpy is replaced. A killed run is a fork that really is.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.faults import assert_no_lock_is_held, assert_nothing_is_half_written
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.credentials import Credentials
from vaultpy.index import Index
from vaultpy.ledger import Ledger
from vaultpy.records import Enrolment
from vaultpy.values import Secret
from vaultpy.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from vaultpy.plan import Plan

OTHERS = b"# mine\n[other]\r\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n"
NOW = 1_800_000_000
CONFIG = "[profile dev]\nregion = eu-central-1\n"
MODULES = {"posix", "fcntl", "_io"}
CHANGES = {"chmod", "close", "fchmod", "fchown", "flock", "flush", "fsync", "ftruncate", "mkdir", "open"}
CHANGES |= {"replace", "unlink", "write"}
LOOKS = {"fstat", "listdir", "read", "stat"}
CLOSE = "close"  # which has closed the file also where it fails
AFTER = {CLOSE, "flush", "fsync", "replace", "write"}  # these may fail after an effect


class Run:
    """One run, with all that `write` asks of a `Wiring`; the credentials are at hand."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "credentials"
        self.environ = {"AWS_CONFIG_FILE": str(directory / "config")}
        self.config = Config.load(self.environ)
        self.index = Index(str(directory / "state" / "index"))
        self.ledger = Ledger(str(directory / "state"), lambda: NOW)

    def credentials_path(self) -> str:
        """Return the path of the credentials file."""
        return str(self._file)

    def broker(self, plan: Plan, **_options: object) -> Run:
        """Return itself."""
        del plan
        return self

    def credentials(self, plan: Plan) -> Credentials:
        """Return them."""
        del plan
        return Credentials("ASIAWRITTEN", Secret("the-secret"), Secret("the-token"), NOW + 3600)


def do_write(directory: Path) -> None:
    run: Any = Run(directory)  # as much of a Wiring as is used
    write(run, "dev", {}, "written")


def prepare(directory: Path) -> Path:
    """Put the file there as it was, for others to read too; return it."""
    (directory / "config").write_text(CONFIG)
    file = directory / "credentials"
    file.write_bytes(OTHERS)
    file.chmod(0o644)
    return file


def enrol(directory: Path) -> None:
    Index(str(directory / "state" / "index")).enrol(
        Enrolment(
            name="dev",
            access_key_id="AKIADEV",
            user_arn="arn:aws:iam::123456789012:user/alice",
            mfa_serials=("arn:aws:iam::123456789012:mfa/alice",),
            keystore="system",
            keystore_file="",
            added=0,
        )
    )


def on_files(call: Any) -> bool:  # noqa: ANN401  # any built-in function or method
    if call.__name__ not in CHANGES | LOOKS:
        return False
    owner = call.__self__
    module = owner.__name__ if isinstance(owner, type(os)) else type(owner).__module__
    return module in MODULES


def at_moment(
    moment: int, strike: Callable[[], None], after: set[str]
) -> Callable[[FrameType, str, Any], None]:
    """Return a profile function that strikes at the moment with that number, the first being 1.

    A moment is before an operation, and after those of `after`.
    """
    left = moment

    def watch(_frame: FrameType, event: str, call: Any) -> None:  # noqa: ANN401  # it depends on the event
        nonlocal left
        if event not in {"c_call", "c_return"} or not on_files(call):
            return
        if call.__name__ in after if event == "c_return" else call.__name__ != CLOSE:
            left -= 1
            if not left:
                strike()

    return watch


def fail() -> None:
    """Be an operation that fails."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def die() -> None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def failing(directory: Path, moment: int) -> bool:
    """Write with an error at the moment; tell whether that was after the end."""
    struck = False

    def strike() -> None:
        nonlocal struck
        struck = True
        fail()

    try:
        sys.setprofile(at_moment(moment, strike, AFTER))
        do_write(directory)
    except errors.VaultpyError:
        assert struck
    finally:
        sys.setprofile(None)
    return not struck


def killed(directory: Path, moment: int) -> bool:
    """Write and be killed at the moment; tell whether that was after the end."""
    child = os.fork()
    if not child:
        sys.setprofile(at_moment(moment, die, CHANGES))
        do_write(directory)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0


def judge(file: Path, new: bytes, moment: int) -> None:
    """See that the file is the old or the new one; the new one is nobody else's."""
    found = file.read_bytes()
    assert found in {OTHERS, new}, (moment, found)
    mode = stat.S_IMODE(file.stat().st_mode)
    assert mode == 0o600 or (mode == 0o644 and found == OTHERS), (moment, oct(mode))
    assert_no_lock_is_held(file.parent)


def main(how: str, directory: Path) -> None:
    """Try every moment."""
    enrol(directory)
    file = prepare(directory)
    do_write(directory)
    new = file.read_bytes()
    assert new != OTHERS
    for moment in count(1):
        prepare(directory)
        over = (killed if how == "kill -9" else failing)(directory, moment)
        judge(file, new, moment)
        if how != "kill -9":
            assert_nothing_is_half_written(directory)
        do_write(directory)
        assert file.read_bytes() == new, moment
        for left in directory.glob(".*.vaultpy-new"):
            left.unlink()  # else the next one, meeting more of them, would do more each time
        if over:
            sys.stdout.write(f"{moment - 1}\n")
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
