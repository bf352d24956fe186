"""Completion in real shells: after each beginning of a line, what may come next; profiles by their names."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import completion_words
import pytest

from support.pseudo_terminal import PseudoTerminal
from support.world import BIN
from vaultpy.shell_completion import completion
from vaultpy.shell_init import SHELLS, init

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Complete = Callable[[str], set[str]]

EVIL = "d$(touch executed)"
# Enough of zsh's completion to see what would be offered: the real one wants a line editor.
ZSH = """
compadd() { shift; print -rl -- "$@" }
_describe() { print -rl -- "${(P@)2}" }
_normal() { print -r -- "rest: ${(j: :)words} at $CURRENT" }
_files() { print -r -- files }
"""
RUN = {
    "bash": "COMP_WORDS=(@WORDS@); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE=${COMP_WORDS[*]}; "
    '__vaultpy_complete_vaultpy vaultpy "${COMP_WORDS[COMP_CWORD]}"; '
    "printf '%s\\n' \"${COMPREPLY[@]}\"",
    "zsh": ZSH + "words=(@WORDS@); CURRENT=$#words; __vaultpy_complete_vaultpy",
    "fish": "complete -C @LINE@",
}


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> str:
    """Provide each of the shells."""
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    return str(request.param)


@pytest.fixture
def complete(shell: str, tmp_path: Path) -> Complete:
    """Provide what a shell offers for the last word of a line; `vaultpy` knows two profiles there."""
    vaultpy = tmp_path / "vaultpy"
    vaultpy.write_text(
        f"#!/bin/sh\n[ \"$*\" = 'shell-init profiles' ] && printf '%s\\n' dev 'dev role' '{EVIL}'\n"
    )
    vaultpy.chmod(0o700)
    script = tmp_path / "script"
    script.write_text(completion(shell))

    def offered(line: str) -> set[str]:
        words = [*shlex.split(line), *([""] if line.endswith(" ") else [])]
        run = RUN[shell].replace("@WORDS@", " ".join(map(shlex.quote, words)))
        run = run.replace("@LINE@", shlex.quote(line))
        done = subprocess.run(
            [shell, "-c", f". {script}\n{run}"],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        separator = "\t" if shell == "fish" else ":"
        return {line.partition(separator)[0] for line in done.stdout.splitlines() if line}

    return offered


def test_the_shell_understands_it(shell: str, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(completion(shell))
    done = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_verbs_come_first_and_those_of_a_group_behind_it(complete: Complete) -> None:
    assert {"add", "exec", "mfa", "template"} <= complete("vaultpy ")
    assert {"enroll", "list"} <= complete("vaultpy mfa ")
    assert "exec" in complete("vaultpy --debug ")
    assert "add" not in complete("vaultpy mfa ")


def test_options_come_with_a_dash_or_where_nothing_else_is_wanted(complete: Complete) -> None:
    assert {"--direct", "--duration"} <= complete("vaultpy exec --d")
    assert {"--direct", "--duration"} <= complete("vaultpy exec dev --d")
    assert "--debug" in complete("vaultpy -")
    assert "--json" in complete("vaultpy list ")
    assert "--json" in complete("vaultpy status dev ")


def test_profiles_are_offered_where_a_profile_stands_and_a_trap_is_only_a_name(
    shell: str, complete: Complete, tmp_path: Path
) -> None:
    names = {"dev", "dev role", EVIL}
    if shell == "bash":  # which quotes nothing itself
        names = {"dev", "dev\\ role", "d\\$\\(touch\\ executed\\)"}
    for line in ("vaultpy exec ", "vaultpy exec -d 1h d", "vaultpy mfa enroll ", "vaultpy each dev "):
        assert complete(line) == names, line
    assert not (tmp_path / "executed").exists()


def test_the_word_after_an_option_that_takes_one_is_no_profile(complete: Complete) -> None:
    assert "dev" not in complete("vaultpy exec --duration ")


def test_one_of_several_words_is_offered(complete: Complete) -> None:
    assert complete("vaultpy shell-init ") == set(SHELLS)


@pytest.mark.parametrize(
    "before", ["exec dev", "exec dev --", "exec -d 1h dev --direct --", "each dev a --", "demo"]
)
def test_what_exec_becomes_is_a_command(shell: str, complete: Complete, before: str) -> None:
    found = complete(f"vaultpy {before} printen")
    assert found == ({"rest"} if shell == "zsh" else {"printenv"})


def test_the_commands_own_words_are_its_own(shell: str, complete: Complete, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    found = complete("vaultpy exec dev -- cat a")
    assert found == {"bash": set(), "zsh": {"rest"}, "fish": {"a file"}}[shell]
    assert "--direct" not in complete("vaultpy exec dev -- printenv --d")


def test_no_kind_of_word_is_unknown_to_completion() -> None:
    kinds = {kind for line in completion_words.text().splitlines() for kind in line.split("\t")[1].split()}
    known = {"PROFILE", "PROFILE...", "PATTERN...", "CMD", "NAME..."}
    assert {kind for kind in kinds if "|" not in kind} <= known


def test_it_is_printed_with_assume_role() -> None:
    for shell in SHELLS:
        assert init(SimpleNamespace(), shell)[0].endswith(completion(shell))


def test_profiles_are_printed_without_loading_what_is_slow(tmp_path: Path) -> None:
    """A shell waits for them at each tab."""
    script = (
        "import os, sys\nfrom vaultpy.cli.run import run\nrun(['shell-init', 'profiles'], os.environ)\n"
        "print(*sys.modules)"
    )
    environ = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {
        "typer",
        "boto3",
        "botocore",
        "keyring",
        "yubikit",
        "smartcard",
        "cryptography",
        "rich",
    }


# ---- at a terminal ---------------------------------------------------------------------------------------

READY = "\x1b[?2004h"


def test_a_tab_completes_verb_profile_and_command(shell: str, tmp_path: Path) -> None:
    """With the shell's real completion, and the real names."""
    (tmp_path / "config").write_text("[profile the-only-one]\n[profile me@work:its=admin]\n")
    script = tmp_path / "init"
    script.write_text(init(SimpleNamespace(), shell)[0])
    (tmp_path / ".zshrc").write_text(f"autoload -Uz compinit; compinit -u\n. {script}\n")
    (tmp_path / "fish" / "generated_completions").mkdir(parents=True)
    (tmp_path / "fish" / "config.fish").write_text(f"source {script}\n")
    environ = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    words = ["--rcfile", str(script), "-i"] if shell == "bash" else ["-i"]
    with PseudoTerminal([str(shutil.which(shell)), *words], environ, size=(40, 200)) as terminal:
        terminal.expect(READY)
        terminal.type("vaultpy credential-p\t")
        terminal.expect("credential-process")
        terminal.type("the\t")
        terminal.expect("the-only-one")
        terminal.type("\x15vaultpy exec the-only-one -- printen\t")
        terminal.expect("printenv")
        terminal.screen = ""
        terminal.type("\x15vaultpy exec me@work:its=a\t-- printen\t")  # bash divides words there
        terminal.expect("me@work:its=admin")
        terminal.expect("printenv")
        terminal.screen = ""
        terminal.type("\x15assume-role me@wo\t")
        terminal.expect("me@work:its=admin")
