"""The main job: from the words of `exec` to the command."""

from __future__ import annotations

import os
import sys

from vaultpy import errors
from vaultpy.handover import environment_for, hand_over
from vaultpy.launch import find_command
from vaultpy.plan import Options, make_plan
from vaultpy.profile import MFA_SERIAL_WANTED, is_mfa_serial
from vaultpy.text import parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan
    from vaultpy.wiring import Wiring


def execute(run: Wiring, profile: str, command: Sequence[str], options: Mapping[str, str]) -> int:
    """Become `command` with the credentials of `profile`; or run the user's shell, and return its status.

    `options` are those of `argv.EXEC_FLAGS` and `argv.EXEC_VALUES`, by their long names. Raises what stands
    in the way, and what can be known before a touch, before it.
    """
    words = list(command) or shell_words(run.environ, profile)
    plan = make_plan(run.config, run.index, profile, asked(options, "exec"), run.environ)
    settings = run.config.child_settings(plan.profile)
    path = find_command(words, run.environ)
    credentials = obtain(run, plan, options)
    region = options.get("--region")
    if not command:
        from vaultpy.subshell import run_shell

        region = region or plan.child_region(run.environ)
        environ = environment_for(plan, credentials, settings, run.environ, region)
        return run_shell(run, words, environ, profile, credentials.expiration)
    return hand_over(
        plan, credentials, path=path, command=words, settings=settings, environ=run.environ, region=region
    )


def obtain(run: Wiring, plan: Plan, options: Mapping[str, str]) -> Credentials:
    """Return the credentials of `plan` as `options` want them got; raises what stands in the way."""
    broker = run.broker(
        plan,
        cache="--no-cache" not in options,
        code=given_code(options),
        yubikey=options.get("--yubikey"),
        retries_direct=True,
    )
    return broker.credentials(plan)


def asked(options: Mapping[str, str], verb: str) -> Options:
    """Return what the options of `verb` ask of a plan; raises UsageError and BadDuration."""
    mfa_serial = options.get("--mfa-serial")
    if mfa_serial and not is_mfa_serial(mfa_serial):
        problem = f"--mfa-serial {mfa_serial} is not {MFA_SERIAL_WANTED}"
        raise errors.UsageError(problem=problem, command=verb)
    return Options(
        direct="--direct" in options,
        duration=_seconds(options, "--duration"),
        mfa_serial=mfa_serial,
        min_ttl=_seconds(options, "--min-ttl"),
        role=options.get("--role"),
        session_duration=_seconds(options, "--session-duration"),
        shared="--server" in options or verb == "each",
    )


def _seconds(options: Mapping[str, str], name: str) -> int | None:
    text = options.get(name)
    return None if text is None else parse_duration(text)


def shell_words(environ: Mapping[str, str], profile: str, platform: str = sys.platform) -> list[str]:
    """Return the user's own shell as the command; raises NestedShell inside another of ours.

    On Windows that is the command interpreter: where SHELL is set there, Git's bash means a path of its own.
    """
    inside = environ.get("VAULTPY")
    if inside:
        raise errors.NestedShell(profile=inside, wanted=profile)
    if platform == "win32":
        return [environ.get("COMSPEC") or "cmd.exe"]
    return [environ.get("SHELL") or "/bin/sh"]


def given_code(options: Mapping[str, str]) -> str | None:
    """Return the code that came with the command, if one did; raises BadCode where stdin has none."""
    code = options.get("--mfa-token")
    return _line_of_stdin() if code == "-" else code


def _line_of_stdin() -> str:
    """Read one line and no byte more: the rest is the command's."""
    line = bytearray()
    try:
        while not line.endswith(b"\n") and (byte := os.read(0, 1)):
            line += byte
    except OSError as error:
        raise errors.BadCode from error
    return line.decode("ascii", "replace").strip()
