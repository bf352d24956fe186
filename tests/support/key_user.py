"""A run of vaultpy that wants a code from the YubiKey behind the real pcscd, as a process of its own.

Started as `python -m support.key_user [SERIAL [READER]]` it prints, in lines: `waiting <what>` whenever a
person is waited for, and at the end `code <digits>` or `error <class>: <message>`. A line on its standard
input is what the person types; LATER lets a minute pass on the person's clock instead. `Run` starts one
and reads along.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.keys import STEP, Quiet, ScriptedPerson, wanted
from vaultpy.errors import VaultpyError
from vaultpy.oath_passwords import OathPasswords
from vaultpy.pcsc import PcscCards
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret
from vaultpy.yubikey_search import YubiKeySearch
from vaultpy.yubikeys import YubiKeys
from vaultpy.yubikeys_at_hand import Selection

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

LATER = "later"
TESTS = Path(__file__).parent.parent
_ENDS_WITHIN = 60


class _Person(ScriptedPerson):
    @contextmanager
    def waiting(self, text: str, seconds: float) -> Iterator[ScriptedPerson]:
        _say(f"waiting {text}")
        with super().waiting(text, seconds):
            yield self

    def pause(self, seconds: float, wake: socket.socket | None) -> str | None:
        sources = [sys.stdin] if wake is None else [sys.stdin, wake]
        self.now += seconds if wake is None else 0
        ready, _, _ = select.select(sources, [], [], seconds)
        typed = sys.stdin.readline().strip() if sys.stdin in ready else ""
        if typed != LATER:
            return typed or None
        self.now += 60
        return None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(serial: str = "", reader: str = "") -> None:
    """Want one code, and tell what came of it."""
    person = _Person()
    passwords = OathPasswords(lambda _device: None, MemoryKeystore[Secret], person)

    def search() -> YubiKeySearch:
        return YubiKeySearch(
            PcscCards(),
            Selection(serial or None, reader or None),
            person=person,
            passwords=passwords,
            yubico_on_usb=lambda: False,
            clock=person.clock,
        )

    try:
        code = YubiKeys(search, person).token_code(wanted(), lambda _serial: STEP, Quiet())
        _say(f"code {code.digits.reveal()}")
    except VaultpyError as error:
        _say(f"error {type(error).__name__}: {error.message}")


class Run:
    """One such process; ended, if it has not ended by itself, when the context ends."""

    def __init__(
        self,
        environment: Mapping[str, str],
        serial: str = "",
        reader: str = "",
        module: str = "support.key_user",
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, serial, reader],
            cwd=TESTS,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def line(self) -> str:
        """Return the next line that it prints; nothing when it has ended."""
        assert self._process.stdout
        return self._process.stdout.readline().rstrip("\n")

    def type(self, text: str) -> None:
        """Type a line."""
        assert self._process.stdin
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def kill(self, number: int) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        self._process.send_signal(number)
        return self._process.wait(_ENDS_WITHIN)


if __name__ == "__main__":
    main(*sys.argv[1:])
