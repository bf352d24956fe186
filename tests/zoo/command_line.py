"""Scenarios of the command line."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vaultpy import errors
from zoo.keeper import VAULTPY, Told, newcomer
from zoo.scenario import leads_to
from zoo.templates import Lines

if TYPE_CHECKING:
    from zoo.keeper import Zoo


@leads_to(errors.UsageError)
def an_option_that_does_not_exist(zoo: Zoo) -> Told:
    return zoo.fails("exec", "--nonsense", "dev-role", "true")


@leads_to(errors.UsageError)
def two_options_that_exclude_each_other(zoo: Zoo) -> Told:
    return zoo.fails("add", "other", "--env", "--stdin")


@leads_to(errors.UnknownCommand)
def a_mistyped_command(zoo: Zoo) -> Told:
    told = zoo.fails("exce", "dev-role", "--", "true")
    assert "did you mean 'exec'?" in told.lines.message
    return told


@leads_to(errors.NotOnWindows)
def a_verb_that_needs_more_than_windows_has(zoo: Zoo) -> Told:
    on_windows = Path(__file__).parent.parent / "support" / "on_windows"
    environment = zoo.world.environment | {"PYTHONPATH": str(on_windows)}
    return zoo.fails("each", "dev*", "--", "true", env=environment)


@leads_to(errors.OutputFailed)
def a_full_disk(zoo: Zoo) -> Told:
    with Path("/dev/full").open("wb") as full:
        return zoo.fails("list", stdout=full)


@leads_to(errors.BadDuration)
def a_duration_without_a_number(zoo: Zoo) -> Told:
    return zoo.exec_fails("--duration", "soon")


@leads_to(errors.BadRoleOption)
def a_role_without_its_arn(zoo: Zoo) -> Told:
    return zoo.fails("add", "other", "--env", "--role", "admin", env=zoo.with_key())


@leads_to(errors.BadTemplateValue)
def a_template_for_every_account_at_once(zoo: Zoo) -> Told:
    return zoo.fails(
        "template", "cross-account-role", "--parent", "*", "--external-id", "x9", "--role", "audit"
    )


@leads_to(errors.CommandNotFound)
def a_command_that_is_missing(zoo: Zoo) -> Told:
    return zoo.fails("exec", "dev-role", "--", "no-such-command")


@leads_to(errors.CommandNotExecutable)
def a_command_that_may_not_be_executed(zoo: Zoo) -> Told:
    notes = zoo.file("not a program", "notes")
    told = zoo.fails("exec", "dev-role", "--", str(notes))
    assert told.lines.hint.endswith(f"chmod +x {notes}")
    return told


@leads_to(errors.CommandUnusable)
def a_directory_instead_of_a_command(zoo: Zoo) -> Told:
    return zoo.fails("exec", "dev-role", "--", str(zoo.directory()))


@leads_to(errors.CommandUnusable, sends=2)
def a_command_whose_interpreter_is_missing(zoo: Zoo) -> Told:
    script = zoo.file("#!/no/such/interpreter\n", "script")
    script.chmod(0o700)
    return zoo.fails("exec", "--no-cache", *zoo.given_code(), "dev-role", "--", str(script))


@leads_to(errors.NestedShell)
def a_shell_within_a_shell(zoo: Zoo) -> Told:
    return zoo.fails("exec", "dev-role", env=zoo.env(VAULTPY="dev"))


@leads_to(errors.Unexportable)
def a_region_of_more_than_a_line(zoo: Zoo) -> Told:
    return zoo.fails("export", "--region", "eu-west-1\nEVIL=1", "dev-role")


@leads_to(errors.NoTerminal)
def a_key_that_nobody_can_type(zoo: Zoo) -> Told:
    return zoo.fails("add", "other")


@leads_to(errors.NoTerminal)
def a_removal_that_nobody_can_confirm(zoo: Zoo) -> Told:
    return zoo.fails("remove", "dev", stdin="y\n")


@leads_to(errors.DefaultInTheWay)
def keys_that_sdks_take_before_a_server(zoo: Zoo) -> Told:
    keys = zoo.file("[default]\naws_access_key_id = AKIAX\naws_secret_access_key = x\n")
    env = zoo.env(AWS_SHARED_CREDENTIALS_FILE=keys)
    return zoo.fails("exec", "--server", "dev-role", "--", "true", env=env)


_ASK_FOR_ROLE = """
import json, os, sys, urllib.error, urllib.parse, urllib.request
server = urllib.parse.urlsplit(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]).netloc
token = {"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
message = "fetched"
while "fetched" in message:
    try:
        url = f"http://{server}/role-arn/{sys.argv[1]}"
        urllib.request.urlopen(urllib.request.Request(url, headers=token))
    except urllib.error.HTTPError as refusal:
        message = json.load(refusal)["message"]
print(message)
raise SystemExit(125)
"""


@leads_to(errors.NothingAtHand, sends=2)
def a_role_that_a_server_does_not_get(zoo: Zoo) -> Told:
    _, places = newcomer(zoo)
    role = zoo.world.alice.account.role("foreign", trusts=["999999999999"])
    asks = (sys.executable, "-c", _ASK_FOR_ROLE, role.arn)
    words = ("exec", "--server", "--allow-role", role.arn, "new", "--", *asks)
    done = subprocess.run(
        [VAULTPY, *words], env=zoo.env(**places), capture_output=True, text=True, timeout=60, check=False
    )
    message, _, hint = done.stdout.strip().rpartition("; ")
    return Told(Lines(message, hint), done.stderr.splitlines(), done.returncode, "exec")


@leads_to(errors.PortTaken)
def a_port_that_somebody_else_listens_at(zoo: Zoo) -> Told:
    with socket.create_server(("127.0.0.1", 0)) as other:
        return zoo.fails("serve", "dev-role", "--port", str(other.getsockname()[1]))


@leads_to(errors.TokenFileUnusable)
def a_token_that_would_take_the_place_of_a_file(zoo: Zoo) -> Told:
    notes = zoo.file("not a token")
    told = zoo.fails("serve", "dev-role", "--token-file", str(notes))
    assert notes.read_text() == "not a token"
    return told


@leads_to(errors.DemoNeedsFinger)
def a_demo_without_a_keyboard(zoo: Zoo) -> Told:
    return zoo.fails("demo")


@leads_to(errors.NoBrowser)
def a_machine_without_a_display(zoo: Zoo) -> Told:
    return zoo.fails("login", "dev-role", env=zoo.env(BROWSER=None, DISPLAY=None, WAYLAND_DISPLAY=None))


@leads_to(errors.BrowserSilent, slow=True)
def a_browser_that_goes_elsewhere(zoo: Zoo) -> Told:
    told = zoo.fails("login", "dev", env=zoo.env(BROWSER="true"))
    assert "session policy arn:aws:iam::aws:policy/AdministratorAccess" in told.talk[0]
    return told
