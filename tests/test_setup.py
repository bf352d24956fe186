"""The set-up, on a system made of stand-ins for apt and sudo: what it asks for, and how it fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "setup"
TOOLS = ("basename", "cat", "cksum", "cp", "dirname", "env", "mkdir", "sh")
BUILT = "#!/bin/sh\nexit 0\n"
BROKEN = "#!/bin/sh\necho 'E: no network' >&2\nexit 100\n"
LISTS = ("build.txt", "dev.txt")
ALL_INSTALLED = "#!/bin/sh\nprintf installed\n"
NONE_INSTALLED = "#!/bin/sh\nexit 1\n"
LOGS = '#!/bin/sh\necho "$(basename "$0") $*" >> "$LOG"\n'
# Enough of an interpreter: it passes for usable, makes a .venv that has itself in it, and installs nothing.
PYTHON = """#!/bin/sh
echo "python $*" >> "$LOG"
[ "$1 $2" = "-m venv" ] && mkdir -p .venv/bin && cp "$0" .venv/bin/python
[ "$1" = --version ] && echo "Python 3.12.0"
[ "$3" != "$REFUSE" ]
"""


class Computer:
    """A directory with the set-up in it, and one with the only commands that there are."""

    def __init__(self, directory: Path) -> None:
        self.clone = directory / "clone"
        self.bin = directory / "bin"
        self.log = directory / "log"
        (self.clone / "scripts").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(SCRIPT, self.clone / "scripts" / "setup")
        (self.clone / "pyproject.toml").write_text("[project]\n")
        (self.clone / "requirements").mkdir()
        for name in LISTS:
            (self.clone / "requirements" / name).write_text("")
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.bin / tool).symlink_to(found)
        self.has("uname", "#!/bin/sh\necho Linux\n")
        self.has("id", "#!/bin/sh\necho 0\n")
        self.has("dpkg-query", ALL_INSTALLED)
        self.has("apt-cache", BUILT)
        self.has("apt-get", LOGS)
        self.has("python3", PYTHON)

    def has(self, name: str, text: str) -> None:
        """Put a command there."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o700)

    def set_up(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it without a terminal."""
        return subprocess.run(
            ["sh", "scripts/setup"],
            cwd=self.clone,
            env={"PATH": str(self.bin), "LOG": str(self.log), "REFUSE": "-", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self) -> list[str]:
        """Return the logged commands."""
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    """Provide a Debian on which all packages are installed, and we are root."""
    return Computer(tmp_path)


def test_the_second_time_there_is_nothing_to_do(computer: Computer) -> None:
    assert computer.set_up().returncode == 0
    first = computer.done()
    assert any("--no-deps --editable ." in command for command in first)
    again = computer.set_up()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert computer.done()[len(first) :] == ["python -c import vaultpy"]


@pytest.mark.parametrize("changed", ["pyproject.toml", *(f"requirements/{name}" for name in LISTS)])
def test_a_changed_list_of_dependencies_is_installed(computer: Computer, changed: str) -> None:
    computer.set_up()
    (computer.clone / changed).write_text("# another one\n")
    before = len(computer.done())
    assert computer.set_up().returncode == 0
    assert any("--no-deps --editable ." in command for command in computer.done()[before:])


def test_nothing_is_installed_but_what_the_lists_have_the_hashes_of(computer: Computer) -> None:
    assert computer.set_up().returncode == 0
    installs = [command.partition(" install ")[2] for command in computer.done() if " install " in command]
    build, packages, vaultpy = installs
    assert build == "--require-hashes --requirement requirements/build.txt"
    assert packages == "--require-hashes --no-build-isolation --requirement requirements/dev.txt"
    assert vaultpy == "--no-build-isolation --no-deps --editable ."


def test_packages_that_are_missing_are_installed_and_named(computer: Computer) -> None:
    computer.has("dpkg-query", NONE_INSTALLED)
    done = computer.set_up()
    assert done.returncode == 0
    assert done.stderr.startswith("setup: installing make gcc ")
    (install,) = [command for command in computer.done() if command.startswith("apt-get install")]
    assert " libpcsclite-dev " in install
    assert install.endswith(" vsmartcard-vpcd")


def test_a_release_without_the_virtual_reader_is_told_and_does_without(computer: Computer) -> None:
    computer.has("dpkg-query", NONE_INSTALLED)
    computer.has("apt-cache", NONE_INSTALLED)
    done = computer.set_up()
    assert done.returncode == 0
    assert "vsmartcard-vpcd is not to be had on this system: its tests will be skipped" in done.stderr
    assert not any(c.startswith("apt-get install") and "vsmartcard" in c for c in computer.done())


def test_who_is_not_root_installs_by_sudo(computer: Computer) -> None:
    computer.has("id", "#!/bin/sh\necho 1000\n")
    computer.has("dpkg-query", NONE_INSTALLED)
    computer.has("sudo", LOGS)
    assert computer.set_up().returncode == 0
    update, install = (command for command in computer.done() if not command.startswith("python"))
    assert update == "sudo -n apt-get update -qq"
    assert install.startswith("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install")


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the last two lines, after those of other programs."""
    assert done.returncode == 1
    return done.stderr.splitlines()[-2:]


def test_without_sudo_it_says_what_root_is_to_install(computer: Computer) -> None:
    computer.has("id", "#!/bin/sh\necho 1000\n")
    computer.has("dpkg-query", NONE_INSTALLED)
    what, remedy = errors(computer.set_up())
    assert what == "setup: error: some packages are missing, and only root can install them"
    assert remedy.startswith("setup: hint: as root: apt-get install make gcc ")
    assert not any("apt-get" in command or "venv" in command for command in computer.done())


def test_packages_that_cannot_be_installed_are_named(computer: Computer) -> None:
    computer.has("dpkg-query", NONE_INSTALLED)
    computer.has("apt-get", BROKEN)
    done = computer.set_up()
    what, remedy = errors(done)
    assert "E: no network" in done.stderr
    assert what == "setup: error: the packages could not be installed"
    assert remedy.startswith("setup: hint: see the words above, or as root: apt-get install make gcc ")


def test_without_a_usable_python_it_says_which_is_wanted(computer: Computer) -> None:
    what, remedy = errors(computer.set_up(PYTHON="/nonexistent/python3"))
    assert what == (
        "setup: error: there is no usable Python 3.10 or later (with venv, ensurepip and Python.h)"
    )
    assert remedy == "setup: hint: install one and name it: make test PYTHON=/path/to/python3"


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        ("--clear", "no virtual environment could be made in "),
        ("--quiet", "the Python packages could not be"),
    ],
)
def test_a_virtual_environment_that_fails_is_made_anew_the_next_time(
    computer: Computer, refused: str, error: str
) -> None:
    what, remedy = errors(computer.set_up(REFUSE=refused))
    assert what.startswith(f"setup: error: {error}")
    assert remedy.startswith("setup: hint: see ")
    before = len(computer.done())
    assert computer.set_up().returncode == 0
    assert any("venv --clear" in command for command in computer.done()[before:])


def test_a_system_that_is_no_debian_is_told_what_is_left_out(computer: Computer) -> None:
    (computer.bin / "apt-get").unlink()
    done = computer.set_up()
    assert done.returncode == 0
    assert "setup: this is no Debian: missing system packages are not installed" in done.stderr
    assert (computer.clone / ".venv").is_dir()
