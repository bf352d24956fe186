"""What `each` does: the command once for each profile, side by side, and what became of every one."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from random import random
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.each_children import STDOUT, Children
from vaultpy.each_credentials import RoleCredentials, users_asked
from vaultpy.each_main_thread import MainThread
from vaultpy.each_outcome import Outcome
from vaultpy.each_output import Collected, Labelled, Screen, json_line, live_line, some
from vaultpy.each_profiles import matching, targets
from vaultpy.each_signals import Signals
from vaultpy.fanout import Fanout, Pace, StoppedError
from vaultpy.handover import environment_for
from vaultpy.launch import find_command
from vaultpy.text import printable, show_duration
from vaultpy.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vaultpy.each_profiles import Target
    from vaultpy.plan import Options, Plan
    from vaultpy.wiring import Wiring

VERB = "each"
_TICK_SECONDS = 0.2
_LAST_REPORTS_SECONDS = 1.0


class Wanted(Value):
    """What the command line asks for."""

    __slots__ = ("as_json", "code", "command", "jobs", "keep_going", "names", "patterns", "region", "yubikey")
    patterns: tuple[str, ...]
    names: tuple[str, ...]
    command: tuple[str, ...]
    jobs: int
    keep_going: bool
    as_json: bool
    region: str | None
    code: str | None
    yubikey: str | None

    def __init__(  # noqa: PLR0913  # each a matter of its own
        self,
        patterns: Sequence[str],
        names: Sequence[str],
        command: Sequence[str],
        *,
        jobs: int,
        keep_going: bool,
        as_json: bool,
        region: str | None,
        code: str | None,
        yubikey: str | None,
    ) -> None:
        """`patterns` are as `each_profiles.matching` has them, `names` whole names; `code` is an MFA code."""
        self._set(patterns=tuple(patterns), names=tuple(names), command=tuple(command), jobs=jobs)
        self._set(keep_going=keep_going, as_json=as_json, region=region, code=code, yubikey=yubikey)


def each(run: Wiring, wanted: Wanted, options: Options) -> int:
    """Run the command in every profile; return 0 if all went well, 1 if not, 128+n where signal n ended it.

    Raises what is known before anything begins, and with it all that one touch a user can fail at; with
    `keep_going` only what concerns every profile. For the main thread.
    """
    names, left_out = matching(run.config, wanted.patterns)
    names += [name for name in wanted.names if name not in names]
    found = targets(run.config, run.index, names, options, run.environ)
    path = find_command(list(wanted.command), run.environ)
    failures = [target.failure for target in found if target.failure is not None]
    if failures and not wanted.keep_going:
        raise failures[0]
    plans = [target.plan for target in found if target.plan is not None]
    _check_one_user(plans, wanted, options)
    screen = Screen(run.environ)
    if left_out:
        screen.say(f"left out, for want of a role: {some(left_out)}")
    if capped := [plan.profile.name for plan in plans if plan.capped]:
        screen.say(f"AWS limits roles that share an MFA session to 1h, less than is wanted of {some(capped)}")
    stopped = threading.Event()
    main_thread = MainThread(stopped, screen.asking)
    credentials = RoleCredentials(
        run,
        Pace(clock=time.monotonic, pause=lambda seconds: _pause(stopped, seconds), chance=random),
        code=wanted.code,
        yubikey=wanted.yubikey,
        asking=main_thread.do,
    )
    credentials.prepare(plans, keep_going=wanted.keep_going)
    return _Runs(run, wanted, path, screen, credentials).run_all(found, main_thread, stopped)


def _check_one_user(plans: Sequence[Plan], wanted: Wanted, options: Options) -> None:
    users = users_asked(plans)
    given = "--mfa-token" if wanted.code else "--mfa-serial" if options.mfa_serial else ""
    if given and len(users) > 1:
        problem = f"{given} is one user's, and these profiles are of {len(users)}: {some(users)}"
        raise errors.UsageError(problem=problem, command=VERB)


def _pause(stopped: threading.Event, seconds: float) -> None:
    if stopped.wait(seconds):
        raise StoppedError


class _Runs:
    """The runs of one command, and what is told of them."""

    def __init__(
        self, run: Wiring, wanted: Wanted, path: str, screen: Screen, credentials: RoleCredentials
    ) -> None:
        self._run = run
        self._wanted = wanted
        self._path = path
        self._screen = screen
        self._credentials = credentials
        self._children = Children()
        self._width = 0
        self._failed: list[str] = []
        self._output_failure: OSError | None = None
        self._hints: set[str] = set()

    def run_all(self, found: Sequence[Target], main_thread: MainThread, stopped: threading.Event) -> int:
        self._width = max(len(printable(target.name)) for target in found)
        fanout = Fanout(found, self._one, keep_going=self._wanted.keep_going)
        with Signals(self._children, self._screen.say) as signals:
            fanout.start(self._wanted.jobs)
            while not fanout.wait(_TICK_SECONDS):
                if not main_thread.serve():
                    signals.interrupt()
                if self._output_failure is not None:
                    signals.give_up()
                if signals.look():
                    fanout.stop()
                    stopped.set()
                    if not self._children.count:
                        fanout.wait(_LAST_REPORTS_SECONDS)
                        break
                progress = fanout.progress(lambda target: target.name)
                self._screen.show(lambda columns, it=progress: live_line(it, columns))  # type: ignore[misc]
        self._screen.show(lambda _: "")
        if self._wanted.as_json and self._output_failure is None:
            with suppress(StoppedError):
                self._write_json([(target, Outcome()) for target in fanout.unfinished()], Collected())
        if self._output_failure is not None and not isinstance(self._output_failure, BrokenPipeError):
            raise errors.OutputFailed(reason=self._output_failure.strerror)
        return self._summary(fanout, signals)

    def _one(self, target: Target) -> bool:
        """Run the command in one profile; tell whether it went well."""
        began = time.monotonic()
        collected = Collected()
        labelled = Labelled(self._screen, printable(target.name).ljust(self._width))
        failure, status = None, None
        try:
            status = self._start(target, collected if self._wanted.as_json else labelled)
            labelled.close()
        except errors.VaultpyError as error:
            failure = error
        except OSError as error:
            self._give_up(error)
        outcome = Outcome(status, failure, time.monotonic() - began)
        if self._wanted.as_json:
            self._write_json([(target, outcome)], collected)
        if not outcome.is_well:
            self._tell_failure(target, outcome)
        return outcome.is_well

    def _start(self, target: Target, output: Collected | Labelled) -> int:
        if target.plan is None:
            raise target.failure or AssertionError("a target has a plan or a failure")
        plan, outer = target.plan, self._run.environ
        credentials = self._credentials.credentials(plan)
        region = self._wanted.region or plan.child_region(outer)
        environ = environment_for(plan, credentials, target.settings, outer, region)

        def take(stream: int, data: bytes) -> None:
            try:
                output.take(stream, data)
            except OSError as error:  # told at once: the command itself may be slow to end
                self._give_up(error)

        return self._children.run(self._path, list(self._wanted.command), environ, take)

    def _give_up(self, error: OSError) -> None:
        """Have all ended: nobody reads any more what is written, or it cannot be."""
        self._output_failure = error
        raise StoppedError

    def _tell_failure(self, target: Target, outcome: Outcome) -> None:
        self._failed.append(target.name)
        failure = outcome.failure
        reason = failure.message if failure else f"exit status {outcome.status}"
        self._screen.say(f"{target.name} failed: {reason}")
        if failure and failure.hint not in self._hints:
            self._hints.add(failure.hint)
            self._screen.say(f"hint: {failure.hint}")

    def _write_json(self, outcomes: Sequence[tuple[Target, Outcome]], output: Collected) -> None:
        try:
            for target, outcome in outcomes:
                self._screen.write(STDOUT, json_line(outcome.as_json(target, output)))
        except OSError as error:
            self._give_up(error)

    def _summary(self, fanout: Fanout[Target], signals: Signals) -> int:
        progress = fanout.progress(lambda target: target.name)
        not_run = [target.name for target in fanout.unfinished()]
        parts = [f"{progress.done} done"]
        parts += [f"{len(self._failed)} failed ({some(self._failed)})"] if self._failed else []
        parts += [f"{len(not_run)} not run ({some(not_run)})"] if not_run else []
        if self._screen.is_terminal or len(parts) > 1:
            self._screen.say(f"{', '.join(parts)}, in {show_duration(progress.elapsed)}")
        if not_run and not signals.number and self._output_failure is None:
            self._screen.say("after a failure nothing more is begun; with --keep-going it is")
        if signals.number:
            return 128 + signals.number
        return 0 if len(parts) == 1 else errors.VaultpyError.status
