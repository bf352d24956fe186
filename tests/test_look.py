"""What a person sees: the screen as a terminal draws it, in narrow windows, in colour and without."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.pseudo_terminal import PseudoTerminal
from support.screen import Screen
from support.svg import DARK, LIGHT, Theme
from vaultpy.cli.app import app
from vaultpy.cli.table import table
from vaultpy.demo.narrator import Narrator
from vaultpy.terminal import Terminal

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8"}
BEGIN = """
import os, time
from vaultpy.errors import *
from vaultpy.terminal import Terminal
terminal = Terminal(os.environ)
"""
WAIT = """
with terminal.waiting("touch it", 15) as waiting:
    while waiting.pause(0.05, None) is None:
        pass
"""
PROMPT = "touch the YubiKey: an MFA session of arn:aws:iam::123456789012:user/alice for production-admin"
WARNING = 'this shows secrets; read it unseen: eval "$(vaultpy export --format env production-admin)"'
ROWS = [
    ("PROFILE", "ACCESS KEY", "ROLE"),
    ("dev", "AKIAIOSFODNN7EXAMPLE", ""),
    ("dev-role", "of dev", "arn:aws:iam::123456789012:role/dev"),
]


def at(columns: int, program: str, **environment: str) -> PseudoTerminal:
    command = [sys.executable, "-c", BEGIN + program]
    return PseudoTerminal(command, ENVIRONMENT | environment, size=(30, columns))


@pytest.mark.parametrize("columns", [20, 30, 49, 50, 51, 60, 200])
def test_the_live_line_stays_one_line_however_narrow_the_window(columns: int) -> None:
    with at(columns, WAIT) as terminal:
        terminal.expect("vaultpy: 15"[: columns - 1])
        terminal.type("12345")
        terminal.expect("vaultpy: 14"[: columns - 1])
        terminal.expect("vaultpy: 13"[: columns - 1])
        lines = Screen(terminal.screen, columns).lines
    assert len(lines) == 2
    assert lines[0] == "vaultpy: touch it"[:columns]


def test_in_a_narrow_window_the_digits_are_still_seen() -> None:
    with at(40, WAIT) as terminal:
        terminal.expect("s left")
        terminal.type("12345")
        terminal.expect("s left: 12345")


def test_where_lines_cannot_be_written_over_the_digits_are_written_behind_the_one_line() -> None:
    with at(80, WAIT, TERM="dumb") as terminal:
        terminal.expect("vaultpy: up to 15 s, or type the six digits: ")
        terminal.type("129")
        terminal.expect("six digits: 129")
        terminal.type("\x7f")
        terminal.expect("129\r\nvaultpy: up to 15 s, or type the six digits: 12")
        terminal.type("3456")
        assert terminal.wait() == 0
    assert terminal.screen.count("up to 15 s") == 2
    assert terminal.screen.endswith("\r\n")


@pytest.mark.parametrize("columns", [60, 80])
def test_a_prompt_is_folded_between_words_and_all_of_it_is_bold(columns: int) -> None:
    with at(columns, f"with terminal.waiting({PROMPT!r}, 15): pass") as terminal:
        assert terminal.wait() == 0
    screen = Screen(terminal.screen, columns)
    assert screen.lines == [
        "vaultpy: touch the YubiKey: an MFA session of",
        "  arn:aws:iam::123456789012:user/alice for production-admin",
    ]
    assert all(run.bold for row in (0, 1) for run in screen.runs(row))


def test_what_may_be_a_command_is_left_whole_and_before_it_lines_are_folded() -> None:
    program = f"""
terminal.error(MfaDeviceLeft(serial="arn:aws:iam::123456789012:mfa/alice", reason="Forbidden"))
terminal.warn({WARNING!r})
terminal.note("to do it later: vaultpy mfa enroll " + "a" * 40)
"""
    with at(60, program, NO_COLOR="1") as terminal:
        assert terminal.wait() == 0
    written = terminal.screen.splitlines()
    assert (
        "  aws iam delete-virtual-mfa-device --serial-number arn:aws:iam::123456789012:mfa/alice" in written
    )
    assert written[-4:] == [
        "vaultpy: warning: this shows secrets; read it unseen:",
        '  eval "$(vaultpy export --format env production-admin)"',
        "vaultpy: to do it later:",
        f"  vaultpy mfa enroll {'a' * 40}",
    ]


def test_the_command_that_the_overview_names_is_left_whole_in_a_narrow_window(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"HOME": str(tmp_path)}
    with PseudoTerminal([sys.executable, "-m", "vaultpy"], environment, size=(30, 15)) as terminal:
        assert terminal.wait() == 0
    assert "  vaultpy add NAME" in terminal.screen.splitlines()


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}])
def test_who_reads_lines_and_no_screen_gets_each_line_whole(environment: dict[str, str]) -> None:
    program = f"with terminal.waiting({PROMPT!r}, 15, typing=False): pass\nterminal.warn({WARNING!r})"
    if environment:
        with at(60, program, **environment) as terminal:
            assert terminal.wait() == 0
            written = terminal.screen
    else:
        command = [sys.executable, "-c", BEGIN + program]
        written = subprocess.run(
            command, env=ENVIRONMENT, start_new_session=True, capture_output=True, text=True, check=True
        ).stderr
    assert f"vaultpy: {PROMPT}" in written.splitlines()
    assert f"vaultpy: warning: {WARNING}" in written.splitlines()


@pytest.mark.parametrize("words", [[], ["mfa"], ["template"]])
@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_the_help_tells_all_of_what_each_verb_does(words: list[str], columns: str) -> None:
    told = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": columns}, terminal_width=int(columns))
    assert told.exit_code == 0
    assert "..." not in told.output.partition("Commands:")[2]
    assert max(map(len, told.output.splitlines())) <= int(columns)


def test_what_waits_for_a_finger_is_bold_and_what_only_takes_time_is_not() -> None:
    with at(80, "terminal.wait('in a moment', 0.1)\n" + WAIT) as terminal:
        terminal.expect("six digits")
        screen = Screen(terminal.screen, 80)
    assert [[run.bold for run in screen.runs(row)] for row in (0, 1)] == [[False], [True]]


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colour_gets_no_bold_either(environment: dict[str, str]) -> None:
    with at(80, "terminal.warn('w')\nwith terminal.waiting('touch it', 15): pass", **environment) as terminal:
        assert terminal.wait() == 0
    assert "\x1b[1" not in terminal.screen


def test_an_empty_no_color_says_nothing() -> None:
    with at(80, "terminal.warn('w')", NO_COLOR="") as terminal:
        assert terminal.wait() == 0
    assert "\x1b[1;35mwarning:" in terminal.screen


def test_only_colours_that_can_be_read_on_dark_and_on_light_are_used() -> None:
    program = """
from vaultpy.demo.narrator import Narrator
terminal.error(NotEnrolled(profile="dev"))
terminal.warn("w")
terminal.debug("d")
for label in ("simulated", "for real", "next", "AWS", "vaultpy"):
    Narrator(terminal).tell(label, "x")
"""
    with at(80, program) as terminal:
        assert terminal.wait() == 0
    assert Screen(terminal.screen, 80).colours() == {"default", "red", "magenta"}


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_what_is_used_stands_out_from_either_ground_as_wcag_wants_it(theme: Theme) -> None:
    ground = luminance(theme.background)
    for colour in (theme.text, theme.colours["red"], theme.colours["magenta"]):
        dark, light = sorted((ground, luminance(colour)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, as WCAG defines it."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_command_that_the_demo_wraps_can_be_copied() -> None:
    stderr = io.StringIO()
    words = ["vaultpy", "exec", "dev-role", "--", "echo", "a b " * 10, "c" * 30, "d" * 30]
    Narrator(Terminal({}, stderr, "/nonexistent")).tell_command("for real", words)
    told = stderr.getvalue().replace("for real", "", 1)
    assert max(map(len, told.splitlines())) <= 80
    assert told.count("\\\n") == 2
    with PseudoTerminal(["sh", "-c", f"vaultpy() {{ printf '<%s>' \"$@\"; }}; {told}"], ENVIRONMENT) as shell:
        assert shell.wait() == 0
    assert shell.screen.replace("\r\n", "") == "".join(f"<{word}>" for word in words[1:])


def test_a_table_for_a_pipe_has_a_line_a_row() -> None:
    assert table(ROWS, None) == [
        "PROFILE   ACCESS KEY            ROLE",
        "dev       AKIAIOSFODNN7EXAMPLE  -",
        "dev-role  of dev                arn:aws:iam::123456789012:role/dev",
    ]


def test_a_table_that_just_fits_the_window_is_not_folded() -> None:
    assert table(ROWS, 66) == table(ROWS, None)


def test_a_table_too_wide_for_the_window_is_folded_and_nothing_is_cut() -> None:
    assert table(ROWS, 65) == [
        "PROFILE   ACCESS KEY",
        "  ROLE",
        "dev       AKIAIOSFODNN7EXAMPLE",
        "dev-role  of dev",
        "  arn:aws:iam::123456789012:role/dev",
    ]


def test_a_cell_wider_than_the_window_is_folded_between_words_and_only_there() -> None:
    rows = [
        ("KEY", "REMARK"),
        ("", "account arn:aws:iam::123456789012:mfa/alice; of no device that is known"),
    ]
    assert table(rows, 50) == [
        "KEY",
        "  REMARK",
        "-",
        "  account arn:aws:iam::123456789012:mfa/alice; of",
        "  no device that is known",
    ]
    assert table(rows, 10)[-5] == "  arn:aws:iam::123456789012:mfa/alice;"


@pytest.mark.parametrize("name", ["開発", "e\u0301te\u0301", "été"])
def test_columns_stand_below_each_other_whatever_the_letters(name: str) -> None:
    lines = table([("PROFILE", "KEY"), (name, "AKIA")], None)
    screen = Screen("\r\n".join(lines), 80)
    assert screen.column_of("KEY", 0) == screen.column_of("AKIA", 1) == 9


@pytest.mark.parametrize("picture", sorted(path.name for path in (ROOT / "docs" / "pictures").iterdir()))
def test_a_picture_stands_on_a_page_and_is_told_in_words(picture: str) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = rf"!\[([^\]]+)\]\([^)]*pictures/{re.escape(picture)}\)"
    if picture != "house.svg":  # which is of both themes by itself
        dark = picture.replace("-light.svg", ".svg")
        light = dark.replace(".svg", "-light.svg")
        shown = rf'light\)" srcset="[^"]*{light}">\n *<img alt="([^"]+)" src="[^"]*pictures/{dark}">'
    told = [words for page in pages for words in re.findall(shown, page.read_text(encoding="utf-8"))]
    assert told
    assert all(len(words.split()) > 5 for words in told)
