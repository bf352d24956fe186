"""How long a cold run takes: `vaultpy exec` without a session at hand, over a virtual YubiKey behind pcscd.

Each run has an access key, an MFA device, a config and a state directory of its own, so that neither a
cached session nor a spent code plays a part. AWS is simulated on loopback by threads of this process, which
does nothing else while a command is measured. Prints figures, asserts nothing:

    python benchmarks/cold_run.py [--pairs N] [--keystore system|file] [--on-yubikey]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from paired import show, show_excess, show_ratio

from support.on_yubikey import protect
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.signing import move_to_yubikey
from support.world import BIN, World
from vaultpy.simulated.finger import PressedFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
CALCULATE_BAR = 2.0
AFTER_FINGER_BAR = 0.030
WHOLE_RUN_BAR = 0.6
STS_CALLS = 2
"""GetSessionToken and AssumeRole."""

# The virtual reader has an empty second slot, which no YubiKey has. It would cost ykman 3 s: it is hidden.
YKMAN = """
import sys
import ykman.pcsc
from ykman._cli.__main__ import main

readers = ykman.pcsc.list_readers
ykman.pcsc.list_readers = lambda: readers()[:1]
sys.exit(main())
"""

# In a process of its own: the keystore is that of the world's bus, and not of whoever measures.
REMEMBER = """
import os
import sys
from vaultpy.keystore import open_keystore
from vaultpy.values import Secret

keystore = open_keystore(os.environ.get("VAULTPY_KEYSTORE", "system"), os.environ, None)
keystore.set(f"oath-password/{sys.argv[1]}", Secret(sys.stdin.read()))
"""


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=10, help="measurements of each kind (default 10)")
    parser.add_argument("--keystore", choices=("system", "file"), default="system")
    parser.add_argument("--on-yubikey", action="store_true", help="the access key lives on the YubiKey")
    options = parser.parse_args()
    if reason := missing():
        print(f"not measured: {reason}")
        return 1
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        child = _compiled(directory)
        with World(directory, secret_service=options.keystore == "system") as world:
            print(f"{options.pairs} pairs, {os.cpu_count()} processors, keystore: {options.keystore}")
            if options.on_yubikey:
                _protect(world)
                _with_two_touches(world, child, options.pairs)
            else:
                _with_touch(world, child, options.pairs)
                _without_touch(world, child, options.pairs)
    return 0


def _compiled(directory: Path) -> str:
    """Compile the child, linked statically: its first instruction is not far behind exec."""
    child = str(directory / "first_instruction")
    subprocess.run(["cc", "-O2", "-static", "-o", child, HERE / "first_instruction.c"], check=True)
    return child


def _cold_runs(world: World, times: int, *, touch: bool, on_yubikey: bool = False) -> Iterator[None]:
    """Make a world without memory, `times` times over."""
    for number in range(times):
        place = world.home / f"{'touch' if touch else 'no-touch'}-{number}"
        place.mkdir()
        world.environment |= {"XDG_STATE_HOME": str(place), "AWS_CONFIG_FILE": str(place / "config")}
        world.access_key = world.alice.access_key()
        world.device = world.alice.mfa_device()
        world.yubikey.add_account(world.device.serial, world.device.seed, touch=touch)
        world.alice.mfa_devices = {world.device.serial: world.device}  # AWS allows eight
        if on_yubikey:
            move_to_yubikey(world)
        else:
            world.add()
        yield
        world.vaultpy("clear")


def _protect(world: World) -> None:
    """Give the YubiKey an OATH password that this world's keystore remembers, as vaultpy wants it."""
    device_id, derived = protect(world.yubikey)
    command = [sys.executable, "-c", REMEMBER, device_id]
    subprocess.run(command, env=world.environment, input=derived.hex(), text=True, check=True)


def _with_touch(world: World, child: str, pairs: int) -> None:
    to_card, importing, after_finger, round_trips = [], [], [], []
    for _ in _cold_runs(world, pairs, touch=True):
        start, (calculate,), (finger,), first_instruction = _touched_run(world, child)
        to_card.append(calculate - start)
        after_finger.append(first_instruction - finger)
        importing.append(_seconds(world, sys.executable, "-c", "import boto3"))
        round_trips.append(_round_trips(world))
    print("\nFrom the start to CALCULATE at the card")
    show("vaultpy exec: start to CALCULATE", to_card)
    show('python -c "import boto3"', importing)
    show_ratio("ratio", to_card, importing, CALCULATE_BAR)
    print("\nFrom the finger to the child's first instruction")
    show("in all", after_finger)
    show(f"{STS_CALLS} bare round trips to the same server", round_trips)
    rest = [one - other for one, other in zip(after_finger, round_trips, strict=True)]
    show_excess("without them", rest, AFTER_FINGER_BAR)


def _with_two_touches(world: World, child: str, pairs: int) -> None:
    to_card, between, after_finger, round_trips = [], [], [], []
    for _ in _cold_runs(world, pairs, touch=True, on_yubikey=True):
        start, calculated, touched, first_instruction = _touched_run(world, child, 2)
        to_card.append(calculated[0] - start)
        between.append(calculated[1] - touched[0])
        after_finger.append(first_instruction - touched[1])
        round_trips.append(_round_trips(world))
    print("\nWith the access key on the YubiKey")
    show("from the start to the first CALCULATE at the card", to_card)
    show("from the first touch to the second CALCULATE", between)
    show_ratio("ratio to that from the start to the first", between, to_card)
    show("from the second touch to the child's first instruction", after_finger)
    rest = [one - other for one, other in zip(after_finger, round_trips, strict=True)]
    show_excess("without the round trips", rest, AFTER_FINGER_BAR)


def _touched_run(world: World, child: str, touches: int = 1) -> tuple[float, list[float], list[float], float]:
    """Return when a run at a terminal began, reached the card, was touched, and became the child."""
    finger = world.finger
    if not isinstance(finger, PressedFinger):
        raise TypeError
    pressed: list[float] = []
    calculations = world.yubikey.calculations
    read, write = os.pipe()
    presser = threading.Thread(target=lambda: pressed.extend(_press(finger) for _ in range(touches)))
    presser.start()
    start = time.monotonic()
    command = [str(BIN / "vaultpy"), "exec", "dev-role", "--", child]
    with PseudoTerminal(command, world.environment, stdout=write) as terminal, os.fdopen(read) as output:
        os.close(write)
        if terminal.wait() != 0:
            raise RuntimeError(f"the run failed: {terminal.screen}{output.read()}")
        presser.join()
        first_instruction = int(output.read()) / 1e9
    calls = [call.at for call in world.yubikey.calls if call.name == "CALCULATE"]
    if len(calls) != calculations + touches:
        raise RuntimeError(f"{len(calls) - calculations} CALCULATE in one run")
    return start, calls[calculations:], pressed, first_instruction


def _press(finger: PressedFinger) -> float:
    """Touch the key as a person does: some time after it began to blink."""
    finger.wait_until_blinking()
    time.sleep(1.0)
    return finger.press()


def _round_trips(world: World) -> float:
    """Return how long the STS calls take at least: as many unsigned requests on an open connection.

    The stand-in refuses them at once. That it verifies a signature and issues credentials takes it longer,
    and so counts as vaultpy's time.
    """
    connection = HTTPConnection(urlsplit(world.aws.url).netloc)
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

    def ask() -> None:
        connection.request("POST", "/", body, headers)
        connection.getresponse().read()

    ask()  # opens the connection, as vaultpy does while the key blinks
    start = time.monotonic()
    for _ in range(STS_CALLS):
        ask()
    seconds = time.monotonic() - start
    connection.close()
    return seconds


def _without_touch(world: World, child: str, pairs: int) -> None:
    ours, theirs, theirs_told = [], [], []
    for _ in _cold_runs(world, pairs, touch=False):
        reader = world.pcscd.readers[0].name
        words = ("oath", "accounts", "code", "--single", world.device.serial)
        ours.append(_seconds(world, str(BIN / "vaultpy"), "exec", "dev-role", "--", child))
        theirs.append(_seconds(world, sys.executable, "-c", YKMAN, *words))
        theirs_told.append(_seconds(world, str(BIN / "ykman"), "--reader", reader, *words))
    print("\nThe whole run, no touch required")
    show("vaultpy exec: start to the child's end", ours)
    show("ykman oath accounts code NAME", theirs)
    show_ratio("ratio", ours, theirs, WHOLE_RUN_BAR)
    show("for comparison: ykman --reader READER, which spares it the search", theirs_told)


def _seconds(world: World, *command: str) -> float:
    """Return how long a command takes; raises CalledProcessError where it fails."""
    start = time.monotonic()
    subprocess.run(command, env=world.environment, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return time.monotonic() - start


if __name__ == "__main__":
    sys.exit(main())
