"""How long a warm run takes: `vaultpy exec` of a profile whose session is at hand, as people install it.

Each run is measured beside the same interpreter doing nothing, in turns; with five profiles in the config and
with two thousand. AWS is simulated by this process, which counts what is asked of it. Prints figures, asserts
nothing:

    python benchmarks/warm_run.py [--pairs N] [--script PATH ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from installs import NotInstalledError, installed, interpreter_of
from paired import show, show_excess, show_ratio, show_value

from support.pcscd import missing
from support.world import BIN, World
from vaultpy.simulated.finger import SteadyFinger

FEW, MANY = 5, 2000
"""How many profiles the config has."""
RATIO_BAR = 1.5
MORE_PROFILES_BAR = 0.003
STS_BAR = 0
WARM_UPS = 3
EXEC = ("exec", "dev-role", "--", "/bin/true")
CREDENTIAL_PROCESS = ("credential-process", "dev-role")
NOTHING = ("-I", "-c", "pass")

# This process is larger than what it measures, and would be counted in: a small one stands between.
PEAK = """
import os, resource, sys
status = os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=40, help="measurements of each kind (default 40)")
    parser.add_argument(
        "--script", type=Path, action="append", help="measure this installed script; again for more"
    )
    options = parser.parse_args()
    if reason := missing():
        print(f"not measured: {reason}")
        return 1
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with World(directory, finger=SteadyFinger()) as world:
            load = ", ".join(f"{it:.1f}" for it in os.getloadavg())
            print(f"{options.pairs} pairs, {os.cpu_count()} processors, load {load}")
            world.add()
            _memory(world)
            known = len(world.aws.calls)
            scripts = options.script and ((str(it), it.absolute()) for it in options.script)
            for installer, script in scripts or installed(directory):
                if isinstance(script, Path):
                    _script(world, installer, script, options.pairs)
                else:
                    print(f"\nBy the script of {installer}\n  not measured: {script}")
            print("\nIn all warm runs")
            show_value("requests to AWS", len(world.aws.calls) - known, STS_BAR)
    return 0


def _memory(world: World) -> None:
    """Print what a cold run takes at most, and leave its session for the warm ones."""
    print("\nPeak memory of a process")
    show_value("vaultpy exec, cold, with a touch", _peak(world, str(BIN / "vaultpy"), *EXEC), unit="MB")
    show_value("vaultpy exec, warm", _peak(world, str(BIN / "vaultpy"), *EXEC), unit="MB")
    show_value("python -I -c pass", _peak(world, sys.executable, *NOTHING), unit="MB")


def _peak(world: World, *command: str) -> float:
    """Return the most memory that a command, or a process of its own, had at a time, in MB."""
    helper = [sys.executable, "-I", "-S", "-c", PEAK, *command]
    done = subprocess.run(helper, env=world.environment, check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout.split()[-1]) / 1000  # Linux counts in kB


def _script(world: World, installer: str, script: Path, pairs: int) -> None:
    print(f"\nBy the script of {installer}")
    try:
        nothing = (interpreter_of(script), *NOTHING)
    except NotInstalledError as error:
        print(f"  not measured: {error}")
        return
    few, many = (world.environment | {"AWS_CONFIG_FILE": str(_config(world, n))} for n in (FEW, MANY))
    runs = [
        (nothing, few),
        ((str(script), *EXEC), few),
        ((str(script), *EXEC), many),
        ((str(script), *CREDENTIAL_PROCESS), few),
    ]
    for _ in range(WARM_UPS):  # uv leaves it to the first run to compile
        _round(runs, 0)
    rounds = [_round(runs, number) for number in range(pairs)]
    idle, short, long, credential_process = zip(*rounds, strict=True)
    show("python -I -c pass", idle)
    show(f"vaultpy exec, {FEW} profiles", short)
    show_ratio("ratio", short, idle, RATIO_BAR)
    show_ratio(f"ratio with {MANY} profiles", long, idle, RATIO_BAR)
    more = [one - other for one, other in zip(long, short, strict=True)]
    show_excess(f"what {MANY} profiles take longer than {FEW}", more, MORE_PROFILES_BAR)
    show_ratio("ratio of vaultpy credential-process", credential_process, idle)


def _config(world: World, profiles: int) -> Path:
    """Return a config of so many profiles, those of this world among them."""
    text = (world.home / ".aws" / "config").read_text(encoding="utf-8")
    path = world.home / f"config-{profiles}"
    others = (
        f"\n[profile team-{number}]\n"
        f"role_arn = arn:aws:iam::{100_000_000_000 + number}:role/dev\n"
        "source_profile = dev\n"
        "region = eu-west-1\n"
        for number in range(profiles - text.count("[profile "))
    )
    path.write_text(text + "".join(others), encoding="utf-8")
    return path


def _round(runs: list[tuple[tuple[str, ...], dict[str, str]]], number: int) -> list[float]:
    """Return how long each run takes; every other round goes through them from behind."""
    order = list(range(len(runs)))
    if number % 2:
        order.reverse()
    seconds = {at: _seconds(*runs[at]) for at in order}
    return [seconds[at] for at in range(len(runs))]


def _seconds(command: tuple[str, ...], environment: dict[str, str]) -> float:
    """Return how long a command takes, whose output nobody reads; raises RuntimeError where it fails."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, environment, file_actions=quiet)
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - start
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
