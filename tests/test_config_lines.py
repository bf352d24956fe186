"""The lines of an ini file: none is lost, and those of a setting are the ones that botocore reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultpy.config_lines import (
    is_ended,
    lines_that_set,
    newline_of,
    settings_in,
    split_lines,
    without_lines,
)
from vaultpy.config_text import IniText
from vaultpy.errors import ConfigMalformed


@given(st.text("a \n\r\x0b\x0c\x1c\u2028"))
def test_lines_put_together_are_the_text(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == without_lines(lines, set()) == text
    assert all(map(is_ended, lines[:-1]))


def test_what_no_editor_takes_for_a_lines_end_ends_none() -> None:
    assert split_lines("a\x0bb\u2028c\nd") == ["a\x0bb\u2028c\n", "d"]


@pytest.mark.parametrize(
    ("text", "newline"), [("", "\n"), ("a", "\n"), ("a\r\nb\nc", "\n"), ("a\nb\r\n", "\r\n"), ("a\r", "\r")]
)
def test_a_new_line_ends_as_the_last_one_does(text: str, newline: str) -> None:
    assert newline_of(split_lines(text)) == newline


def test_a_setting_goes_with_the_lines_that_continue_it_and_without_the_comments_between() -> None:
    text = "[a]\nKey : one\n  two\n# a comment\n  three\nother = 1\n[b]\nkey = 2\n"
    lines = split_lines(text)
    dropped = lines_that_set({"key"}, lines, IniText(text, "config").sections()["a"])
    assert without_lines(lines, dropped) == "[a]\n# a comment\nother = 1\n[b]\nkey = 2\n"


def test_each_section_is_read_and_a_mistake_in_any_is_told() -> None:
    assert settings_in("[a]\nx = 1\n[b]\n", "config") == {"a": {"x": "1"}, "b": {}}
    with pytest.raises(ConfigMalformed):
        settings_in("[a]\nx = 1\n[b]\nnonsense\n", "config")
