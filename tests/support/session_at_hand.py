"""A world in which the first touch lies behind, and how it comes to lie ahead again."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vaultpy.state import state_directory
from vaultpy.terminal import Terminal
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.world import World


@contextmanager
def session_at_hand(world: World) -> Iterator[World]:
    """Enter a world, and let there be a session of `dev-role`, for which the key is touched if it blinks."""
    with world:
        world.enrol()
        world.vaultpy("exec", "dev-role", "--", "true").check_returncode()
        yield world


def forget_all(world: World) -> None:
    """Leave no session, no code that is spent, and nothing that blinks: the next run asks for a touch."""
    world.finger.abort()
    Wiring(world.environment, Terminal(world.environment, listens=False)).sessions.forget()
    forget_codes(world)


def forget_codes(world: World) -> None:
    """Let nobody know which codes were spent, so that no run waits for the next."""
    shutil.rmtree(Path(state_directory(world.environment), "ledger"), ignore_errors=True)
    world.device.last_step = -1
