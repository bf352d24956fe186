"""`vaultpy import` as people meet it: what it shows, asks and does, and what it leaves when killed."""

from __future__ import annotations

import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from support.hurry import HurriedWorld
from support.keystore_fixtures import Answers
from support.kill_points import NAMES_AND_KEYS, Victim
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.world import BIN
from vaultpy import access_keys
from vaultpy.index import Index
from vaultpy.keystore_file import FileKeystore, keystore_file_path

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.world import World

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

AWS_VAULT = """#!/bin/sh
[ -z "$AWS_VAULT$VAULTPY_KEYSTORE_PASSPHRASE$VAULTPY_KEYSTORE_PASSPHRASE_FILE" ] || exit 9
case "$*" in
"list --credentials") printf 'dev\\nlocked\\n' ;;
"export --no-session --format=json dev")
    [ -t 0 ] && printf 'Enter passphrase: ' >&2 && read -r _
    printf '{{\\n  "Version": 1,\\n  "AccessKeyId": "{id}",\\n  "SecretAccessKey": "{secret}"\\n}}\\n' ;;
*) echo 'aws-vault: error: exec: Failed to get credentials' >&2; exit 1 ;;
esac
"""
HOSTILE = [
    "[dev]\nKEY",
    "\n\n# c\r\n[other]\r\nregion = x\r\n[dev]\r\nKEYregion = eu-west-1\r\n; d\r\n",
    "  [dev]\n  # KEY\n  KEY\n  note = é\n  [e f]\n  s3 =\n     aws_access_key_id = x\n",
    "[dev]\n\nKEY\n\n\n[tmp]\naws_access_key_id = ASIA1\naws_session_token = \x0cy\n",
]


class Home:
    """A world with a credentials file; `text` has KEY where alice's key stands."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.aws = world.home / ".aws"
        self.aws.mkdir(mode=0o700)
        self.credentials = self.aws / "credentials"
        self.config = self.aws / "config"

    def lines(self, newline: str = "\n", indent: str = "") -> str:
        """Return the key as it stands in clear."""
        key = self.world.access_key
        return f"aws_access_key_id = {key.id}{newline}{indent}aws_secret_access_key = {key.secret}"

    def write(self, text: str) -> None:
        """Write the credentials file."""
        newline = "\r\n" if "\r\n" in text else "\n"
        lines = self.lines(newline, "  " if text.startswith("  ") else "")
        self.credentials.write_bytes(text.replace("# KEY", "# ").replace("KEY", lines + newline).encode())
        self.credentials.chmod(0o640)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `import`; neither of its outputs ever holds the secret."""
        done = self.world.vaultpy("import", *words)
        assert self.world.access_key.secret not in done.stdout + done.stderr
        return done

    def moves(self, *words: str) -> str:
        """Run `import`, which must work; return what it says."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def stored(self) -> str | None:
        """Return the secret out of the keystore, for the key that is enrolled as `dev`."""
        index = Index(str(self.world.home / "state" / "vaultpy" / "index"))
        enrolment = index.enrolment("dev")
        assert enrolment is None or enrolment.access_key_id == self.world.access_key.id
        environ = self.world.environment
        keystore = FileKeystore(keystore_file_path(environ), environ, Answers())
        found = access_keys.load(keystore, self.world.access_key.id)
        return found.secret.reveal() if found and enrolment else None

    def install_aws_vault(self) -> None:
        """Put the stand-in for aws-vault where it is found."""
        key = self.world.access_key
        program = self.world.home / "bin" / "aws-vault"
        program.parent.mkdir()
        program.write_text(AWS_VAULT.format(id=key.id, secret=key.secret))
        program.chmod(0o700)
        self.world.environment["PATH"] = f"{program.parent}:{self.world.environment['PATH']}"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with HurriedWorld(tmp_path) as world:
        yield Home(world)


def test_without_a_terminal_it_shows_what_it_would_do_and_how_to_go_on(home: Home) -> None:
    home.write("[dev]\nKEY[tmp]\naws_access_key_id = x\n")
    role = f"[profile dev-role]\nrole_arn = {home.world.role.arn}\nsource_profile = dev\n"
    home.config.write_text(role)
    before = home.credentials.read_bytes()
    said = home.moves("credentials")
    assert f"dev: access key {home.world.access_key.id} of {home.world.alice.arn}" in said
    assert "source_profile of dev-role" in said
    assert "tmp: skipped: " in said
    assert said.endswith("to do it: vaultpy import credentials --yes\n")
    assert (home.credentials.read_bytes(), home.config.read_text(), home.stored()) == (before, role, None)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_key_goes_into_the_keystore_and_every_other_byte_stays(home: Home, text: str) -> None:
    home.write(text)
    before = home.credentials.read_bytes()
    said = home.moves("credentials", "--yes")
    newline, indent = ("\r\n" if "\r\n" in text else "\n"), ("  " if text.startswith("  ") else "")
    taken = f"{indent}{home.lines(newline, indent)}{newline}".encode()
    assert before.count(taken) == 1
    assert home.credentials.read_bytes() == before.replace(taken, b"")
    assert stat.S_IMODE(home.credentials.stat().st_mode) == 0o640
    assert home.stored() == home.world.access_key.secret
    assert "vaultpy rotate dev" in said
    assert home.config.read_text() == f"[profile dev]\nmfa_serial = {home.world.device.serial}\n"


def test_a_file_that_is_a_link_stays_one(home: Home) -> None:
    home.write("[dev]\nKEY")
    elsewhere = home.world.home / "dotfiles"
    home.credentials.rename(elsewhere)
    home.credentials.symlink_to(elsewhere)
    home.moves("credentials", "--yes")
    assert home.credentials.is_symlink()
    assert elsewhere.read_text() == "[dev]\n"


def test_a_file_that_botocore_refuses_is_left_alone(home: Home) -> None:
    for text in ("[dev]\nKEY[dev]\n", "\ufeff[dev]\nKEY", "[dev]\nKEYKEY", "[dev]\nwhat\nKEY"):
        home.write(text)
        before = home.credentials.read_bytes()
        done = home.run("credentials", "--yes")
        assert (done.returncode, home.credentials.read_bytes(), home.stored()) == (1, before, None), text
        assert "nothing was changed" in done.stderr, text


def test_at_a_terminal_it_asks_and_a_no_changes_nothing(home: Home) -> None:
    home.write("[dev]\nKEY")
    command = [str(BIN / "vaultpy"), "import", "credentials"]
    for answer, status in (("n", 1), ("y", 0)):
        assert home.stored() is None
        with PseudoTerminal(command, home.world.environment, size=(50, 200)) as terminal:
            terminal.expect("go on? [y/N] ")
            terminal.type(f"{answer}\n")
            if status == 0:
                terminal.expect("rotate dev now? [y/N] ")
                terminal.type("n\n")
            assert terminal.wait() == status, terminal.screen
            assert terminal.screen.rstrip().endswith("cures that: vaultpy rotate dev") == (status == 0)
    assert home.stored() == home.world.access_key.secret
    assert home.credentials.read_text() == "[dev]\n"


@pytest.mark.slow  # three answers of AWS, two seconds apart
def test_at_a_terminal_it_goes_on_with_rotate(home: Home) -> None:
    home.world.alice.mfa_devices.clear()
    home.write("[dev]\nKEY")
    command = [str(BIN / "vaultpy"), "import", "credentials"]
    with PseudoTerminal(command, home.world.environment, size=(50, 200)) as terminal:
        terminal.expect("go on? [y/N] ")
        terminal.type("y\n")
        terminal.expect("rotate dev now? [y/N] ")
        terminal.type("y\n")
        assert terminal.wait() == 0, terminal.screen
    (new,) = home.world.alice.access_keys
    assert new != home.world.access_key.id
    assert f"dev has access key {new}" in terminal.screen
    assert "vaultpy rotate dev" not in terminal.screen


def test_one_move_that_fails_is_told_by_its_name_and_those_before_are_advised_on(home: Home) -> None:
    other = home.world.alice.account.user("carol").access_key()
    lines = f"aws_access_key_id = {other.id}\naws_secret_access_key = {other.secret}\n"
    home.write(f"[dev]\nKEY[ops]\n{lines}")
    command = [str(BIN / "vaultpy"), "import", "credentials"]
    with PseudoTerminal(command, home.world.environment, size=(50, 200)) as terminal:
        terminal.expect("go on? [y/N] ")
        other.active = False
        terminal.type("y\n")
        assert terminal.wait() == 1, terminal.screen
    assert f"access key {other.id}: it is inactive" in terminal.screen
    assert "vaultpy add --force ops" in terminal.screen
    assert "cures that: vaultpy rotate dev" in terminal.screen
    assert "now?" not in terminal.screen


def test_a_copy_of_the_secret_in_a_comment_is_warned_of_with_its_line(home: Home) -> None:
    home.write(f"[dev]\nKEY\n#aws_secret_access_key = {home.world.access_key.secret}\n")
    said = home.moves("credentials", "--yes")
    assert f"the secret of {home.world.access_key.id} still stands in {home.credentials}, line 3:" in said


def test_a_section_that_is_skipped_with_its_key_says_so_and_is_told_by_the_status(home: Home) -> None:
    home.write("[dev]\nKEY[odd]\naws_access_key_id = AKIA # mine\naws_secret_access_key = x\n")
    done = home.run("credentials", "--yes")
    assert done.returncode == 1
    assert f"it stays in clear in [odd] of {home.credentials}" in done.stdout
    assert home.stored() == home.world.access_key.secret


def test_a_second_time_there_is_nothing_to_move(home: Home) -> None:
    home.write("[dev]\nKEY")
    home.moves("credentials", "--yes")
    assert home.moves("credentials", "--yes") == "there is nothing to move from AWS's files\n"


def test_only_the_keys_that_are_named_move_and_one_that_cannot_is_told_by_the_status(home: Home) -> None:
    home.write("[other]\nKEY[dev]\nKEY[tmp]\naws_access_key_id = x\n")
    home.moves("credentials", "dev", "--yes")
    assert home.credentials.read_text() == f"[other]\n{home.lines()}\n[dev]\n[tmp]\naws_access_key_id = x\n"
    assert home.run("credentials", "tmp", "--yes").returncode == 1


def test_aws_mfas_key_moves_under_its_short_name(home: Home) -> None:
    device = f"aws_mfa_device = {home.world.device.serial}\n"
    session = "[dev]\naws_access_key_id = ASIA1\naws_secret_access_key = x\naws_session_token = y\n"
    home.write(f"[dev-long-term]\nKEY{device}{session}")
    said = home.moves("aws-mfa", "--yes")
    assert home.credentials.read_text() == session
    assert home.stored() == home.world.access_key.secret
    assert f"[dev] of {home.credentials} is aws-mfa's session" in said
    assert home.config.read_text() == f"[profile dev]\nmfa_serial = {home.world.device.serial}\n"


def test_aws_vault_hands_its_key_over_by_itself(home: Home) -> None:
    home.install_aws_vault()
    home.world.environment["AWS_VAULT"] = "dev"
    said = home.moves("aws-vault", "--yes")
    assert home.stored() == home.world.access_key.secret
    assert "locked: skipped: " in said
    assert "when all works: aws-vault remove dev" in said


def test_aws_vault_may_ask_for_its_own_passphrase_at_the_terminal(home: Home) -> None:
    home.install_aws_vault()
    command = [str(BIN / "vaultpy"), "import", "aws-vault", "dev", "--yes"]
    with PseudoTerminal(command, home.world.environment, size=(50, 200)) as terminal:
        terminal.expect("Enter passphrase: ")
        terminal.type("theirs\n")
        assert terminal.wait() == 0, terminal.screen
    assert home.world.access_key.secret not in terminal.screen
    assert home.stored() == home.world.access_key.secret


# ---- killed, and hindered ----------------------------------------------------------------------------


class Sweep:
    """A home that is put back before each run, and looked at after it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._as_it_was = home.world.home.parent / "as-it-was"
        home.write(f"[dev-long-term]\nKEYaws_mfa_device = {home.world.device.serial}\n[other]\nregion = x\n")
        shutil.copytree(home.world.home, self._as_it_was)
        command = [str(BIN / "vaultpy"), "import", "aws-mfa", "--yes"]
        self.victim = Victim(command, home.world.environment, home.world.home.parent / "trace")

    def before(self) -> None:
        """Put the home back."""
        shutil.rmtree(self.home.world.home)
        shutil.copytree(self._as_it_was, self.home.world.home)

    def after(self, hindered: str) -> None:
        """See that the key is somewhere, and that the next run finishes."""
        secret = self.home.world.access_key.secret
        text = self.home.credentials.read_text()
        assert self.home.lines() in text or self.home.stored() == secret, hindered
        self.home.moves("aws-mfa", "--yes")
        assert self.home.stored() == secret, hindered
        assert self.home.credentials.read_text() == "[other]\nregion = x\n", hindered
        assert f"mfa_serial = {self.home.world.device.serial}\n" in self.home.config.read_text(), hindered


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: strace)")
def test_wherever_it_is_killed_or_hindered_no_key_is_lost_and_the_next_run_finishes(
    home: Home,
    tell: Callable[[str], None],
    record_property: Callable[[str, object], None],
) -> None:
    sweeping = Sweep(home)
    sweeping.before()
    points = sweeping.victim.points(NAMES_AND_KEYS)
    kills = 0
    for point in points:
        sweeping.before()
        kills += bool(killed := sweeping.victim.killed_at(point))
        sweeping.after(killed)
        sweeping.before()
        sweeping.victim._run(f"trace={point.call}", f"inject={point.call}:error=ENOSPC:when={point.number}")
        sweeping.after(str(point))
    record_property("faults", kills + len(points))
    tell(f"{kills} kills, {len(points)} refusals of an import")
    assert kills == len(points) > 3
