"""How the credentials endpoint bears five hundred clients at once, and what its start takes.

The clients are one process with as many connections, all opened together; the endpoint is another. Prints
figures, asserts nothing:

    python benchmarks/server.py [--clients N] [--rounds N] [--pairs N]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from paired import show, show_excess, show_value

from support.visiting import GOOD, serving
from support.world import BIN, World
from vaultpy.simulated.finger import SteadyFinger

TIMEOUT_MS = 2000
"""How long botocore waits for its credentials."""
START_BAR = 0.060
ERRORS_BAR = 0
WARM_UPS = 2

CLIENTS = """
import errno, selectors, socket, sys, time
number, port, request = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer.read()
selector = selectors.DefaultSelector()
errors = 0
for _ in range(number):
    client = socket.socket()
    client.setblocking(False)
    start = time.perf_counter()
    if client.connect_ex(("127.0.0.1", port)) not in (0, errno.EINPROGRESS):
        errors += 1
        continue
    selector.register(client, selectors.EVENT_WRITE, (start, bytearray()))
while selector.get_map():
    for key, events in selector.select():
        client, (start, reply) = key.fileobj, key.data
        try:
            if events == selectors.EVENT_WRITE:
                client.sendall(request)
                selector.modify(client, selectors.EVENT_READ, key.data)
                continue
            part = client.recv(65536)
        except OSError:
            part, reply[:] = b"", b""
        reply += part
        if not part:
            if reply.startswith(b"HTTP/1.1 200 ") and reply.endswith(b"}"):
                print(time.perf_counter() - start)
            else:
                errors += 1
            selector.unregister(client)
            client.close()
print(errors)
"""

# What exec has loaded in any case is loaded in both; what is measured is on the second line alone.
LOADED = "import time, vaultpy.cli.run, vaultpy.execution, vaultpy.wiring\n"
STARTED = LOADED + (
    "start = time.perf_counter()\n"
    "from vaultpy.server.endpoint import Endpoint, new_token\n"
    "endpoint = Endpoint(None, new_token())\n"
    "endpoint.start()\n"
    "print(time.perf_counter() - start)"
)


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clients", type=int, default=500, help="how many at once (default 500)")
    parser.add_argument("--rounds", type=int, default=10, help="how often they come (default 10)")
    parser.add_argument("--pairs", type=int, default=20, help="starts that are measured (default 20)")
    options = parser.parse_args()
    load = ", ".join(f"{it:.1f}" for it in os.getloadavg())
    print(f"{options.clients} clients at once, {os.cpu_count()} processors, load {load}\n")
    _show_crowd(options.clients, options.rounds)
    _show_start(options.pairs)
    _show_exec(options.pairs)
    return 0


def _show_crowd(clients: int, rounds: int) -> None:
    seconds: list[float] = []
    errors = 0
    with serving() as served:
        for _ in range(rounds):
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", CLIENTS, str(clients), str(served.port)],
                input=served.filled(GOOD),
                capture_output=True,
                check=True,
            )
            *times, wrong = map(float, done.stdout.split())
            seconds += times
            errors += int(wrong)
    show("a client has its credentials", seconds)
    percentiles = quantiles(seconds, n=100)
    show_value("  half of them within (p50)", 1000 * percentiles[49], unit="ms")
    show_value("  99 of 100 within (p99)", 1000 * percentiles[98], TIMEOUT_MS, unit="ms")
    show_value(f"errors of {clients * rounds}", errors, ERRORS_BAR)


def _show_start(pairs: int) -> None:
    """Show the start by its own clock: beside whole processes it would drown in their differences."""
    command = [sys.executable, "-I", "-c", STARTED]
    starts = [
        float(subprocess.run(command, check=True, capture_output=True).stdout)
        for _ in range(WARM_UPS + pairs)
    ]
    show_excess("the endpoint's start, imports included, after exec's own", starts[WARM_UPS:], START_BAR)


def _show_exec(pairs: int) -> None:
    """Show what --server adds to a run with a session at hand that cannot take the warm path either."""
    with tempfile.TemporaryDirectory() as directory, World(Path(directory), finger=SteadyFinger()) as world:
        world.add()
        plain, served = (
            [str(BIN / "vaultpy"), "exec", *options, "dev-role", "--", "true"]
            for options in (["--region", "eu-central-1"], ["--server", "--region", "eu-central-1"])
        )

        def seconds(command: list[str]) -> float:
            start = time.perf_counter()
            subprocess.run(command, env=world.environment, check=True)
            return time.perf_counter() - start

        for _ in range(WARM_UPS):
            seconds(plain), seconds(served)
        both = [(seconds(served), seconds(plain)) for _ in range(pairs)]
    show("exec --server -- true, with a session at hand", [one for one, _ in both])
    show_excess("more than exec -- true without it", [one - other for one, other in both], START_BAR)


if __name__ == "__main__":
    sys.exit(main())
