"""Text for people: made harmless, durations read and written, names compared."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from vaultpy.errors import BadDuration
from vaultpy.text import fold, near, parse_duration, printable, show_duration

# These show as nothing, although Python calls them printable.
INVISIBLE = ("\u034f", "\u115f", "\u1160", "\u3164", "\uffa0")
# What moves a cursor, reorders a line, is unassigned, private or half a character, or breaks a line.
HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90m", 5400),
        ("8h", 28800),
        ("1h30m", 5400),
        ("45s", 45),
        ("2d", 172800),
        ("900", 900),
        (" 1h ", 3600),
    ],
)
def test_a_duration_is_read_with_units_or_as_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "0", "0h", "h", "1h30", "0h5", "1.5h", "-1h", "1 h", "1w", "1H", "1e3", "٣h", "9999999d"]
    + ["9" * length for length in (10, 5000)],
)
def test_what_is_no_duration_is_named_and_refused(text: str) -> None:
    with pytest.raises(BadDuration) as refusal:
        parse_duration(text)

    assert refusal.value.hint == "write it as 90m, 8h or a number of seconds"


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_units_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    assert parse_duration(f"{days}d{hours}h{minutes}m{seconds}s") == parse_duration(str(total)) == total


@given(st.text())
def test_any_text_is_a_duration_above_nothing_or_refused(text: str) -> None:
    try:
        assert 0 < parse_duration(text) <= 10**9
    except BadDuration as refusal:
        assert refusal.status == 2  # noqa: PT017  # either way will do


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (183_600, "2d 3h"),
        (86_399.6, "1d 0h"),
        (3900, "1h 05m"),
        (250, "4m 10s"),
        (59.6, "1m 00s"),
        (9.4, "9s"),
        (0, "0s"),
        (-5, "0s"),
    ],
)
def test_a_duration_is_shown_in_at_most_two_units(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown


@given(st.integers(1, 10**9))
def test_a_duration_survives_being_shown_and_read_but_for_its_smallest_part(seconds: int) -> None:
    read = parse_duration(show_duration(seconds).replace(" ", ""))
    precision = 1 if seconds < 3600 else 60 if seconds < 86400 else 3600

    assert read == seconds - seconds % precision


WORDS = st.text(alphabet="ab:( ", max_size=60)


@given(WORDS, st.integers(1, 30), st.booleans())
def test_folding_changes_nothing_but_where_lines_end(text: str, columns: int, copied: bool) -> None:  # noqa: FBT001  # drawn
    first, *others = fold(text, columns, "label: ", copied=copied)
    assert " ".join([first, *(line.removeprefix("  ") for line in others)]) == f"label: {text}"


@given(WORDS, st.integers(10, 30))
def test_only_a_word_too_long_by_itself_makes_a_folded_line_too_long(text: str, columns: int) -> None:
    for line in fold(text, columns):
        assert len(line) <= columns or " " not in line.removeprefix("  ")


@pytest.mark.parametrize("text", ["move it: mv a b c", "set one (mv a b c)"])
def test_what_may_be_a_command_is_never_folded(text: str) -> None:
    assert any("mv a b c" in line for line in fold(text, 5, copied=True))
    assert not any("mv a b c" in line for line in fold(text, 5))


def test_near_names_are_found_whatever_their_case_best_first() -> None:
    names = ["prod-admin", "Dev-Admin", "dev-read", "staging"]

    assert near("dev-admim", names)[0] == "Dev-Admin"
    assert near("DEV-READ", names)[0] == "dev-read"


def test_at_most_three_names_are_near_and_none_of_strangers() -> None:
    assert len(near("dev", ["dev1", "dev2", "dev3", "dev4"])) == 3
    assert near("dev", ["production", "staging"]) == []
    assert near("dev", []) == []


@given(st.text())
@example("\x1b[2J\x1b]0;title\x07")
@example("\u202egpj.exe \u2066x\u2069 \u200b\u200f\ufeff\u00ad")
@example("\r\n\x00\x7f\x85\x9b31m\u2028\u2029")
@example("\udcff\ue000\U000e0041")
def test_nothing_that_acts_on_a_terminal_is_printable(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(character) for character in shown} & HARMFUL
    shown.encode()


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
@example("dév 日本 \u00a0 ß")
def test_what_can_be_read_stays_as_it_is(text: str) -> None:
    assume(not any("VARIATION SELECTOR" in unicodedata.name(c, "") or c in INVISIBLE for c in text))
    assert printable(text) == text


@pytest.mark.parametrize("character", [*INVISIBLE, "\ufe0f", "\U000e0100"])
def test_what_shows_as_nothing_is_escaped(character: str) -> None:
    assert character not in printable(f"a{character}b")


@pytest.mark.parametrize(
    ("text", "shown"), [("a\x1bb", r"a\x1bb"), ("\u202e", r"\u202e"), ("\udcff", r"\udcff"), ("\n", r"\n")]
)
def test_what_cannot_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
