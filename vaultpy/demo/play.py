"""The demo from beginning to end: `add`, `exec` with a touch, and the command."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.demo.narrator import Narrator
from vaultpy.demo.stage import Stage, python
from vaultpy.launch import supervise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.simulated.aws import Call
    from vaultpy.terminal import Terminal

_WHO_AM_I = """
import boto3, json
answer = boto3.client("sts").get_caller_identity()
print(json.dumps({name: answer[name] for name in ("UserId", "Account", "Arn")}, indent=4))
"""
_WHO_AM_I_FOR_REAL = ["aws", "sts", "get-caller-identity"]


class Play:
    """One performance."""

    def __init__(self, terminal: Terminal, command: list[str], *, by_itself: bool) -> None:
        """`command` is what is run in the end, nothing for one that shows who it is."""
        self._narrator = Narrator(terminal)
        self._command = command
        self._by_itself = by_itself
        self._entered = False
        """Whether AWS has lent the role, so that the command has begun."""

    def run(self, environ: Mapping[str, str]) -> int:
        """Play it; returns the command's exit status, or that of the step that failed."""
        self._narrator.title("vaultpy demo: the whole main job, on simulated parts")
        with ExitStack() as ending:
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) == signal.SIG_DFL:  # they too leave nothing behind
                    ending.callback(signal.signal, number, signal.signal(number, signal.default_int_handler))
            stage = ending.enter_context(Stage(by_itself=self._by_itself, heard=self._hear))
            environment = stage.environment(environ)
            status = self._enrol(stage, environment) or self._exec(stage, environment)
            touches = stage.yubikey.calculations
        if self._entered:
            self._close(status, touches)
        return status

    def _hear(self, call: Call) -> None:
        """Tell of a signed request until the command begins: from then on, all is the command's."""
        if self._entered or not call.signed:
            return
        self._narrator.tell_call(call)
        if (call.action, call.verdict) == ("AssumeRole", "OK"):
            self._entered = True
            self._narrator.title("3  vaultpy becomes the command, which runs as the role")
            whose = "the" if self._command else "this boto3"
            self._narrator.tell("simulated", f"AWS: AWS_ENDPOINT_URL leads {whose} program to this computer")
            self._narrator.tell("for real", "the same exec, with any command: terraform, aws, a shell")
            self._narrator.gap()

    def _enrol(self, stage: Stage, environment: dict[str, str]) -> int:
        tell = self._narrator.tell
        self._narrator.title("1  an IAM user's access key goes into a keystore")
        tell(
            "simulated",
            "AWS and its user alice; keystore and config are temporary files",
        )
        role = f"dev-role={stage.role.arn}"
        self._narrator.tell_command("for real", ["vaultpy", "add", "dev", "--role", role])
        done = subprocess.run(
            stage.vaultpy("add", "dev", "--env", "--role", role),
            env=stage.with_access_key(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            pass_fds=stage.descriptors,
        )
        for line in done.stdout.splitlines():
            tell("vaultpy", line)
        return done.returncode

    def _exec(self, stage: Stage, environment: dict[str, str]) -> int:
        self._narrator.title("2  the MFA code comes straight off the YubiKey")
        self._narrator.tell("simulated", "the YubiKey and the finger that touches it")
        shown = self._command or _WHO_AM_I_FOR_REAL
        self._narrator.tell_command("for real", ["vaultpy", "exec", "dev-role", "--", *shown])
        wait = "wait: a finger touches the key by itself"
        self._narrator.title(wait if self._by_itself else "press Enter: your finger on the key")
        for descriptor in stage.descriptors:
            os.set_inheritable(descriptor, True)  # noqa: FBT003  # the standard library has it so
        command = self._command or python(_WHO_AM_I)
        return supervise(stage.vaultpy("exec", "dev-role", "--", *command), environment)

    def _close(self, status: int, touches: int) -> None:
        told = f"{touches} touch{'' if touches == 1 else 'es'}"
        ended = f", the command's status {status}" if status else ""
        self._narrator.title(f"done: {told}{ended}; nothing is left behind")
        self._narrator.tell("next", "docs/start.md leads from nothing to the first exec for real")


def perform(environ: Mapping[str, str], terminal: Terminal, command: list[str], *, by_itself: bool) -> int:
    """Play the demo; returns its exit status. Raises DemoNeedsFinger where nobody can press Enter."""
    if not by_itself and not terminal.can_ask():
        raise errors.DemoNeedsFinger
    return Play(terminal, command, by_itself=by_itself).run(environ)
