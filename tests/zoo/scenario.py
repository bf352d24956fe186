"""What a scenario is: a function that gets a `Zoo` and returns what the user was told there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.errors import VaultpyError
    from zoo.keeper import Told, Zoo


class Scenario(NamedTuple):
    """`play` leads into `error`, after `sends` requests for credentials that AWS got.

    A `slow` one waits, as long as a user would, and does so beside the others.
    """

    error: type[VaultpyError]
    play: Callable[[Zoo], Told]
    sends: int
    slow: bool


SCENARIOS: list[Scenario] = []


def leads_to(
    error: type[VaultpyError], *, sends: int = 0, slow: bool = False
) -> Callable[[Callable[[Zoo], Told]], Callable[[Zoo], Told]]:
    """Enter the function below among the scenarios."""

    def enter(play: Callable[[Zoo], Told]) -> Callable[[Zoo], Told]:
        SCENARIOS.append(Scenario(error, play, sends, slow))
        return play

    return enter
