"""What fifty cold runs at once take: `vaultpy exec` without a session, all started together, one finger.

Prints figures, asserts nothing:

    python benchmarks/crowd.py [--runs N]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from paired import show, show_value

from support.pcscd import missing
from support.world import BIN, World
from vaultpy.simulated.finger import SteadyFinger

ONCE = 1
"""How often the crowd may ask the YubiKey, and make each request of AWS."""


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=50, help="how many at once (default 50)")
    options = parser.parse_args()
    if reason := missing():
        print(f"not measured: {reason}")
        return 1
    with tempfile.TemporaryDirectory() as name, World(Path(name), finger=SteadyFinger()) as world:
        load = ", ".join(f"{it:.1f}" for it in os.getloadavg())
        print(f"{options.runs} cold runs at once, {os.cpu_count()} processors, load {load}\n")
        world.add()
        known = len(world.aws.calls)
        ends = _crowd(world, options.runs)
        actions = [call.action for call in world.aws.calls[known:]]
        show("until a run has ended", ends)
        show_value("until all have ended", max(ends), unit="s")
        show_value("CALCULATE", world.yubikey.calculations, ONCE)
        show_value("GetSessionToken", actions.count("GetSessionToken"), ONCE)
        show_value("AssumeRole", actions.count("AssumeRole"), ONCE)
        others = set(actions) - {"GetSessionToken", "AssumeRole"}
        show_value("other requests", sum(map(actions.count, others)))
    return 0


def _crowd(world: World, runs: int) -> list[float]:
    """Return after how many seconds each run had ended; raises CalledProcessError where one fails."""
    command = [str(BIN / "vaultpy"), "exec", "dev-role", "--", "/bin/true"]
    start = time.monotonic()

    def run(_number: int) -> float:
        subprocess.run(
            command, env=world.environment, check=True, stdin=subprocess.DEVNULL, capture_output=True
        )
        return time.monotonic() - start

    with ThreadPoolExecutor(runs) as threads:
        return list(threads.map(run, range(runs)))


if __name__ == "__main__":
    sys.exit(main())
