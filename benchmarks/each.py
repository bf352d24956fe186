"""What `vaultpy each` takes over two hundred roles, beside what it waits for: AssumeRole, 50 ms each time.

Prints figures, asserts nothing:

    python benchmarks/each.py [--roles N] [--latency MS]
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from paired import show, show_ratio, show_value

from support.pcscd import missing
from support.world import BIN, World
from vaultpy.fanout import JOBS
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

BAR = 1.3
"""Of the latency bound: the calls that each of the eight at a time waits for, one after the other."""
RUNS = 5


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--roles", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--latency", type=float, default=50, help="of each answer, in ms (default 50)")
    options = parser.parse_args()
    if reason := missing():
        print(f"not measured: {reason}")
        return 1
    ours, theirs = multiprocessing.Pipe()
    # AWS has processors of its own: here a process of its own, at least.
    cloud = multiprocessing.get_context("spawn").Process(
        target=_play_the_world, args=(theirs, options.roles, options.latency / 1000)
    )
    cloud.start()
    environment = ours.recv()
    load = ", ".join(f"{it:.1f}" for it in os.getloadavg())
    print(f"{options.roles} roles, {JOBS} at a time, {os.cpu_count()} processors, load {load}\n")
    bound = math.ceil(options.roles / JOBS) * options.latency / 1000
    wholes, spans, processor = [], [], []
    actions: list[str] = []
    for _ in range(RUNS):
        whole, used = _run(environment)
        ours.send("calls")
        actions, span = ours.recv()
        wholes.append(whole)
        spans.append(span)
        processor.append(used / options.roles)
    ours.send("end")
    cloud.join()
    show_value("latency bound", bound, unit="s")
    show("from the first AssumeRole to the end of the last", spans)
    show_ratio("that beside the bound", spans, [bound] * RUNS, BAR)
    show("the whole process, of the command `true`", wholes)
    show("processor time a role, start of vaultpy included", processor)
    show_value("AssumeRole", actions.count("AssumeRole"), options.roles)
    show_value("GetSessionToken", actions.count("GetSessionToken"), 0)
    return 0


def _run(environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds of a run, and those of the processor."""
    before, start = os.times(), time.monotonic()
    subprocess.run(
        [str(BIN / "vaultpy"), "each", "p*", "--", "true"],
        env=environment,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    end, after = time.monotonic(), os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return end - start, used


def _play_the_world(connection: Connection, roles: int, latency: float) -> None:
    """Be AWS and the YubiKey; tell what was asked of AWS, and how long that took, whenever it is wanted."""
    with tempfile.TemporaryDirectory() as name, World(Path(name), finger=SteadyFinger()) as world:
        world.add()
        config = world.home / ".aws" / "config"
        text = config.read_text()
        for number in range(roles):
            role = world.alice.account.role(f"r{number}", requires_mfa=True)
            text += f"[profile p{number}]\nrole_arn = {role.arn}\nsource_profile = dev\n"
        config.write_text(text)
        world.vaultpy("exec", "dev", "--", "true")
        known = len(world.aws.calls)
        world.aws.latency = latency
        connection.send(world.environment)
        while connection.recv() != "end":
            calls = world.aws.calls[known:]
            known += len(calls)
            # A call is noted when it arrives: the last answer comes a latency later.
            connection.send(([call.action for call in calls], calls[-1].at - calls[0].at + latency))


if __name__ == "__main__":
    sys.exit(main())
