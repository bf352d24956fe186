"""What `vaultpy` alone says: where the user stands, and the next command to type."""

from __future__ import annotations

from shlex import quote

from vaultpy import errors
from vaultpy.background import within
from vaultpy.found_access_keys import in_files
from vaultpy.mfa import is_virtual
from vaultpy.readiness import TWO_TOUCHES, at_hand, readiness, usable_plans
from vaultpy.text import show_duration
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.plan import Plan
    from vaultpy.readiness import Readiness
    from vaultpy.records import Enrolment
    from vaultpy.run_inputs import RunInputs
    from vaultpy.session_places import Place

    class TrueClock(Protocol):
        """What knows AWS's time."""

        def time(self) -> float:
            """Return it as an epoch, in seconds."""

    class Cards(Protocol):
        """The card readers of this computer."""

        def readers(self) -> list[str]:
            """Return the names of those with a card in them."""

    class Run(RunInputs, Protocol):
        """The objects of one run."""

        @property
        def places(self) -> list[Place]: ...  # noqa: D102
        @property
        def ledger(self) -> TrueClock: ...  # noqa: D102

        def credentials_path(self) -> str:
            """Return the path of AWS's credentials file."""

        def cards(self) -> Cards:
            """Reach them; raises PcscMissing and its like."""


_SHOWN_NAMES = 3
_LOOK_SECONDS = 2.0


class Step(Value):
    """The next command, and what it is for."""

    __slots__ = ("command", "purpose")
    command: str
    purpose: str

    def __init__(self, command: str, purpose: str) -> None:
        self._set(command=command, purpose=purpose)


def overview(run: Run) -> list[str]:
    """Return the lines; raises what makes AWS's config or our state unreadable."""
    enrolments = run.index.enrolments()
    keys = [enrolment.name for enrolment in enrolments]
    plans = usable_plans(run.config, run.index, run.environ)
    now = run.ledger.time()
    look = at_hand(run.index, run.places, lambda: now)
    ready = [readiness(plan, look, now) for plan in plans]
    roles = [plan.profile.name for plan in plans if plan.profile.role_arn]
    yubikey, plugged_in = _yubikey(run.cards)
    facts = {
        "access keys": _names(keys) or "none is enrolled yet",
        "roles": _names(roles) or f"none that exec can use ({run.config.path})",
        "YubiKey": yubikey,
        "MFA session": _session(ready, now) if ready else "none",
    }
    width = max(map(len, facts))
    asking = set() if plugged_in else {one.profile for one in ready if one.asks}
    step = _next(plans, enrolments, asking) if keys else _first(run)
    return [
        "vaultpy: runs commands as AWS roles, with MFA by YubiKey",
        "",
        *(f"  {name:{width}}  {fact}" for name, fact in facts.items()),
        "",
        f"next: {step.command}",
        f"      {step.purpose}",
        "all:  vaultpy --help; what is wrong: vaultpy doctor",
    ]


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _yubikey(reach: Callable[[], Cards]) -> tuple[str, bool]:
    """Return what is seen of the keys, and whether a card is there; nothing is opened or touched."""
    try:
        readers = within(_LOOK_SECONDS, lambda: reach().readers())
    except TimeoutError:
        return "the smart card service does not answer", False
    except errors.VaultpyError as error:
        return error.message, False
    own = [name for name in readers if "yubi" in name.casefold()]
    if readers and not own:  # a YubiKey on an NFC reader, or a card of another kind
        return f"perhaps the card in {_names(readers)}", True
    return _names(own) or "none is plugged in", bool(own)


def _session(ready: list[Readiness], now: float) -> str:
    left = max((one.mfa_expiration for one in ready), default=0)
    touches = TWO_TOUCHES if any(one.asks == TWO_TOUCHES for one in ready) else "one touch"
    return f"{show_duration(left - now)} left" if left else f"none, the next command asks for {touches}"


def _first(run: Run) -> Step:
    in_clear = sum(found.in_clear is not None for found in in_files(run.credentials_path(), run.config.path))
    if in_clear:
        keys = f"{in_clear} access key{'s' * (in_clear > 1)}"
        return Step("vaultpy import credentials", f"moves {keys} out of AWS's clear-text files")
    return Step("vaultpy add NAME", "enrols an access key; without one: vaultpy demo")


def _next(plans: list[Plan], enrolments: list[Enrolment], asking: set[str]) -> Step:
    """Return what comes next; the profiles in `asking` want a code, and no YubiKey is plugged in."""
    serials = {serial for plan in plans for request in plan.requests for serial in request.mfa_serials}
    bare = next((enrolment.name for enrolment in enrolments if not enrolment.mfa_serials), None)
    if bare is not None and not serials:
        return Step(f"vaultpy mfa enroll {quote(bare)}", "puts an MFA device onto the YubiKey")
    if not plans:
        return Step("vaultpy doctor", "says why no profile leads to an enrolled key")
    best = next((plan.profile for plan in plans if plan.profile.role_arn), plans[0].profile)
    command = f"vaultpy exec {quote(best.name)} -- aws sts get-caller-identity"
    if best.name in asking and any(map(is_virtual, serials)):
        return Step(command, "plug the YubiKey in first, or type the code when asked")
    return Step(command, "any other command goes in the place of aws")
