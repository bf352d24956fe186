"""What `serve` does: a server of credentials on its own, for an editor, a container or several terminals."""

from __future__ import annotations

import signal
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from vaultpy.credential_server import (
    FULL_URI,
    KEYS,
    SERVER,
    TOKEN,
    TOKEN_FILE,
    default_source,
    first_credentials,
    listening,
    profile_served,
    role_served,
)
from vaultpy.environment import MISLEADING
from vaultpy.formats import shell_script
from vaultpy.token_file import token_file
from vaultpy.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vaultpy.credential_server import Run, Server
    from vaultpy.served_credentials import Served
    from vaultpy.values import Secret

_ENDS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Where(Value):
    """Where to listen: a port (0 for any that is free); and a file for the token, None for none."""

    __slots__ = ("port", "token_file")
    port: int
    token_file: Path | None

    def __init__(self, port: int = 0, token_file: str | None = None) -> None:
        self._set(port=port, token_file=Path(token_file).absolute() if token_file else None)


def serve(
    run: Run, profiles: Sequence[str], allowed: Sequence[str], where: Where, say: Callable[[str], None]
) -> None:
    """Serve the credentials of `profiles`, each at a path of its own, until Ctrl-C or SIGTERM.

    `allowed` are roles that the first one's user assumes, `say` takes the lines with the variables. For the
    main thread; raises what stands in the way.
    """
    named = [profile_served(run, profile, SERVER) for profile in dict.fromkeys(profiles)]
    roles = [role_served(run, profiles[0], role) for role in allowed]
    source = default_source(run.config)
    if source:
        run.terminal.warn(f"SDKs take the credentials of [default] ({source}) before those of a server")
    token = run.new_token()
    file = token_file(where.token_file, token) if where.token_file else nullcontext()
    with listening(run, [*named, *roles], token, where.port) as server, file:
        for served in named:
            first_credentials(run, served, {})
        with _until_told() as wait:
            server.start()
            for served in named:
                for line in _lines(run, served, server, token, where):
                    say(line)
            run.terminal.note("serving; end it with Ctrl-C")
            wait()


def _lines(run: Run, served: Served, server: Server, token: Secret, where: Where) -> list[str]:
    """Return the lines after which the commands of a POSIX shell find the credentials."""
    values = {FULL_URI: server.url(served.path)}
    values |= {TOKEN_FILE: str(where.token_file)} if where.token_file else {TOKEN: token.reveal()}
    region = served.plan.child_region(run.environ)
    if region:
        values |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    values |= run.config.child_settings(served.plan.profile)
    unwanted = sorted({*KEYS, *MISLEADING} - values.keys())
    lines = shell_script("env", served.name, values).splitlines()
    return [f"# {served.name}", f"unset {' '.join(unwanted)}", *lines]


@contextmanager
def _until_told() -> Iterator[Callable[[], None]]:
    """Give what waits for Ctrl-C, SIGTERM or the end of the terminal; none is missed from the start on."""
    told: SimpleQueue[int] = SimpleQueue()  # an Event may have its lock held when the signal comes
    numbers = [getattr(signal, name) for name in _ENDS if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]  # as nohup has it
    before = {number: signal.signal(number, lambda number, _: told.put(number)) for number in numbers}

    def wait() -> None:
        while True:
            with suppress(Empty):
                told.get(timeout=1)  # Windows tells of Ctrl-C only between two waits
                return

    try:
        yield wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
