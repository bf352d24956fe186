"""What the documentation says is so: its shell blocks run, and its lists are those of the code.

A `console` block is run line by line, and must show what the block shows. A block that cannot run here has
the comment `<!-- not run: REASON -->` on the line before it.
"""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import botocore.session
import pytest

from support.forks import forked
from support.hurry import HurriedWorld
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.world import ACCOUNT, World
from vaultpy.argv import EXEC_FLAGS, EXEC_VALUES
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parent.parent
CODE = [path.read_text() for path in (ROOT / "vaultpy").rglob("*.py")]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
GUIDES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "habits").glob("*.md"),
]
UNENROLLED = {"README.md", "start.md", "moving.md"}
"""The documents whose first step is to enrol the key; in the others it is enrolled already."""

STAND_INS = {"terraform.md": ["terraform"], "containers.md": ["docker", "devcontainer"]}
"""Programs that need not be installed, by document: what stands in says whether it has credentials."""
STAND_IN = """#!/bin/sh
test -n "$AWS_SESSION_TOKEN$AWS_CONTAINER_CREDENTIALS_FULL_URI" || grep -q '^AWS_SESSION_TOKEN='
"""
LONG_TERM = "[dev-long-term]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"
FENCE = re.compile(r"(^ *<!-- not run: [^\n]+ -->\n)?^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, its text without indentation, and whether it says why it is not run."""

    language: str
    text: str
    excused: bool


def blocks(document: Path) -> list[Block]:
    found = FENCE.findall(document.read_text())
    return [Block(language, textwrap.dedent(text), bool(excuse)) for excuse, _, language, text in found]


def runnable(document: Path) -> list[Block]:
    return [b for b in blocks(document) if b.language in {"sh", "console"} and not b.excused]


def steps(block: Block) -> Iterator[tuple[str, str | None]]:
    """Give each command with the output that it is to show; None where the block does not say."""
    if block.language == "sh":
        yield block.text, None
        return
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def normal(text: str) -> str:
    """Take out colours, and what differs from run to run: ids, times left, widths that follow from them."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = [line.rpartition("\x1b[K")[2].strip("\r").rstrip() for line in text.split("\n")]
    lines = [line for line in lines if "AWS takes each code once" not in line]
    text = re.sub(r"\b(AKIA|AROA)[A-Z0-9]+", r"\1", "\n".join(lines).strip())
    text = re.sub(r"(\d+[dhms] ?)+left", "TIME left", text)
    return re.sub(r" {2,}", "  ", text)


def furnish(world: World, document: Path) -> dict[str, str]:
    """Put into the world what the document takes for granted; return the environment for its commands."""
    key_id, secret = world.access_key.id, world.access_key.secret
    header = "Access key ID,Secret access key"
    (world.home / "accessKeys.csv").write_text(f"{header}\n{key_id},{secret}\n")
    (world.home / ".aws").mkdir()
    if document.name == "moving.md":
        (world.home / ".aws" / "credentials").write_text(LONG_TERM.format(id=key_id, secret=secret))
    if document.name == "cross-account.md":
        child = world.aws.account("210987654321")
        child.role("audit", trusts=[ACCOUNT], requires_mfa=True, external_id="3f9a52d1")
    if document.name not in UNENROLLED:
        world.enrol()
    programs = world.home / "bin"
    programs.mkdir()
    for name in STAND_INS.get(document.name, []):
        (programs / name).write_text(STAND_IN)
        (programs / name).chmod(0o700)
    environment = world.environment if document.name in UNENROLLED else world.with_key
    return environment | {"PATH": f"{programs}:{environment['PATH']}"}


def run(script: str, world: World, environment: dict[str, str]) -> str:
    """Run a shell script at a terminal and answer what it asks; return what the terminal has shown.

    In a user namespace of its own it has a kernel keyring of its own, in which nobody else's sessions are.
    """
    answers = {
        "access key id: ": world.access_key.id,
        "secret access key (not shown): ": world.access_key.secret,
        "that is plugged in? [y/N] ": "y",
    }
    command = ["unshare", "--map-root-user", "sh", "-ec", f"cd\n{script}"]
    with PseudoTerminal(command, environment, size=(50, 200)) as terminal:
        while terminal._read(60):
            for question, answer in answers.items():
                if terminal.screen.endswith(question):
                    terminal.type(answer + "\n")
        assert terminal.wait() == 0, terminal.screen
    return terminal.screen


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.parametrize("document", [path for path in GUIDES if runnable(path)], ids=lambda path: path.name)
def test_shell_blocks_run_and_show_what_they_say(document: Path, tmp_path: Path) -> None:
    world = HurriedWorld(tmp_path, finger=SteadyFinger(0.5))
    if document.name == "start.md":  # which makes the device and puts the account there itself
        world.alice.mfa_devices.clear()
        world.alice.account.virtual_devices.clear()
        world.yubikey = SimulatedYubiKey(finger=world.finger)
    todo = [step for block in runnable(document) for step in steps(block)]
    script = "".join(
        f"printf '<{at}>\\n'\n{command}\nprintf '</{at}>\\n'\n" for at, (command, _) in enumerate(todo)
    )
    with world:
        screen = run(script, world, furnish(world, document)).replace(str(world.home), "~")
    for at, (_, output) in enumerate(todo):
        shown = screen.partition(f"<{at}>")[2].partition(f"</{at}>")[0]
        assert output is None or normal(shown) == normal(output)


def test_the_comparison_of_outputs_sees_a_difference() -> None:
    assert normal("in 5m 10s left  AKIA1") == normal("in 1h 02m left     AKIA2")
    assert normal("\x1b[1mtouch\x1b[0m\r\nvaultpy: 9 s left\r\x1b[Kdone") == normal("touch\ndone")
    assert normal("touch the YubiKey") != normal("touch a YubiKey")


@pytest.mark.parametrize("document", GUIDES, ids=lambda path: path.name)
def test_every_reason_not_to_run_stands_before_a_block(document: Path) -> None:
    excused = [block for block in blocks(document) if block.excused]
    assert document.read_text().count("<!-- not run") == len(excused)
    assert all(block.language in {"sh", "console"} for block in excused)


@pytest.mark.parametrize("document", GUIDES, ids=lambda path: path.name)
def test_shell_blocks_that_are_not_run_are_at_least_shell(document: Path) -> None:
    for block in blocks(document):
        if block.excused:
            subprocess.run(["sh", "-n"], input=block.text, text=True, check=True)


def test_aws_commands_name_operations_and_options_that_exist() -> None:
    """The stand-in does not serve those that set an account up, so they are held to botocore's model."""
    model: Any = botocore.session.get_session().get_service_model("iam")
    special = {"bootstrap-method", "outfile"}  # the AWS CLI's own, for create-virtual-mfa-device
    text = "\n".join(block.text for document in GUIDES for block in blocks(document) if block.excused)
    calls = re.findall(r"aws iam ([a-z-]+)((?:[^|\n\\']|\\\n|'[^']*')*)", text)
    assert len(calls) > 5
    for name, rest in calls:
        operation = next(o for o in model.operation_names if kebab(o) == name)
        known = {kebab(member) for member in model.operation_model(operation).input_shape.members}
        assert set(re.findall(r"--([a-z0-9-]+)", rest)) <= known | special, name


def kebab(name: str) -> str:
    """Spell an API's name as the AWS CLI does."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name.replace("MFA", "Mfa")).lower()


def chapters(document: Path) -> dict[str, str]:
    """Return the text under each `##` heading; what stands before the first under the empty name."""
    first, *rest = re.split(r"^## ", document.read_text(), flags=re.MULTILINE)
    return {"": first} | dict(part.split("\n", 1) for part in rest)


def first_cells(text: str, pattern: str) -> set[str]:
    cells = re.findall(r"^\| (.*?) \|", text, flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(pattern, cell)}


OPTION = r"(?<![\w-])--?[a-z][a-z-]*"


def offered(*words: str) -> str:
    environment = {**os.environ, "COLUMNS": "200", "HOME": "/nonexistent"}
    done = forked(environment, *words, "--help")
    assert done.returncode == 0, words
    return done.stdout


def options_of(text: str) -> set[str]:
    columns = (line.strip().partition("  ")[0] for line in text.splitlines() if line.strip().startswith("-"))
    return {option for column in columns for option in re.findall(OPTION, column)}


def commands(documented: Iterable[str], *group: str) -> Iterator[str]:
    """Give the commands that the help shows; those of a group in its place, unless it has a chapter."""
    listed = offered(*group).partition("Commands:")[2]
    for name in re.findall(r"^  ([a-z-]+) ", listed, flags=re.MULTILINE):
        within = [] if group or name in documented else [*commands(documented, name)]
        yield from within or [" ".join((*group, name))]


def test_commands_and_their_options_are_those_of_the_help() -> None:
    documented = chapters(ROOT / "docs" / "commands.md")
    names = [*commands(documented)]
    assert set(documented) == {"", *names, "Exit statuses"}
    assert first_cells(documented[""], OPTION) == options_of(offered())
    for name in names:
        shown = options_of(offered(*name.split())) - {"-h", "--help"}
        assert first_cells(documented[name], OPTION) == shown, name


def test_options_of_exec_are_those_that_its_words_are_split_by() -> None:
    documented = first_cells(chapters(ROOT / "docs" / "commands.md")["exec"], OPTION)
    assert documented | {"-h", "--help"} == EXEC_FLAGS | EXEC_VALUES


@pytest.mark.parametrize("pattern", [r"VAULTPY_[A-Z_]*[A-Z]", r"\bvaultpy_[a-z_]*[a-z]\b"])
def test_variables_and_config_keys_are_those_of_the_code(pattern: str) -> None:
    documented = first_cells((ROOT / "docs" / "configuration.md").read_text(), pattern)
    assert documented == {name for text in CODE for name in re.findall(pattern, text)}


def test_the_architecture_names_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"[\w/]+\.py\b", text))
    assert {name for name in named if not (ROOT / "vaultpy" / name).exists()} == set()


def slugs(text: str) -> Iterable[str]:
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_resolve(document: Path) -> None:
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", document.read_text()):
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not anchor or anchor in slugs(target.read_text()), f"{path}#{anchor}"


def test_every_decision_stands_in_their_list() -> None:
    directory = ROOT / "docs" / "adr"
    records = {path.name for path in directory.glob("[0-9]*.md")}
    assert records == set(re.findall(r"\]\((\d.*?\.md)\)", (directory / "README.md").read_text()))
