"""A section that is searched for says what it says when the whole file is cut apart."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import examples
from vaultpy.config_search import IniFile
from vaultpy.config_text import IniText
from vaultpy.errors import ConfigMalformed

KINDS = ("profile", "services")
ODD = "\udce9"  # what a byte of the command line becomes that is no UTF-8
NAMES = ("a", "b", "a]", "default", "DEFAULT", "a b", "", "'a'", "\ta", "a\n", "a]\n[profile b", "é", ODD)
HEADERS = ("profile a", "profile b", "services a", "default", "DEFAULT", "profile default", *NAMES)
PIECES = (
    "[profile a]\n",
    "[profile b]\n",
    "[profile  a]\n",
    "[profile a b]\n",
    "[profile a ]\n",
    "[profilex a]\n",
    "[profile 'a']\n",
    '[profile "a"]\n',
    "[profile \\a]\n",
    "[profile\ta]\n",
    "[default]\n",
    "[profile default]\n",
    "[DEFAULT]\n",
    "[a]\n",
    "[services a]\n",
    "[profile a] # note\n",
    " [profile a]\n",
    "  [profile b]\n",
    "[profile a]]\n",
    "[profile a\n",
    "[]\n",
    "[",
    "]",
    "[profile a] b]\n",
    "x = 1\n",
    "y = 2\n",
    "  z = 3\n",
    "x =\n",
    "s = [profile a]\n",
    "# [profile a]\n",
    "; c\n",
    "\n",
    "\r\n",
    "# c\rx = 1\n",
    "[profile é]\nx = é\n",
    "[profile 'a']\n",
    "=\n",
    'q = "a"\n',
    "t =\t1\n",
    " ",
    "[profile a] b]\n",
    "\x0c[profile a]\n",
    "\u2003[profile b]\n",
)


def answers(kind: type[IniFile | IniText], text: str, question: tuple[str, ...]) -> object:
    """Return what a text that was never asked anything else says, or that it is malformed."""
    try:
        ini = IniFile(text.encode(), "path") if kind is IniFile else IniText(text, "path")
        if len(question) == 1:
            return question[0] in ini, ini.settings(question[0])
        header = ini.header_of(*question)
        return header, ini.settings(header)
    except ConfigMalformed as error:
        return error.message


QUESTIONS = [(header,) for header in HEADERS] + [(kind, name) for kind in KINDS for name in NAMES]


@examples(300)
@example(text="[a]\n[profile b]\n")
@given(text=st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_the_answers_are_those_of_the_whole_text_cut_apart(text: str) -> None:
    for question in QUESTIONS:
        assert answers(IniFile, text, question) == answers(IniText, text, question), question


@pytest.mark.parametrize("name", ["a", "b", "default"])
def test_a_plain_file_is_never_cut_apart(name: str) -> None:
    ini = IniFile(b"# mine\n[default]\nx = 1\n\n[profile a]\nx = 2\n  y = 3\n[profile b]\n", "path")
    assert ini.section("profile", name) is not None
    assert ini.section("profile", "c") is None
    assert ini._cut is None


def test_what_is_returned_may_be_changed_by_whoever_asked() -> None:
    ini = IniFile(b"[profile a]\nx = 1\n", "path")
    (ini.section("profile", "a") or {}).clear()
    assert ini.section("profile", "a") == {"x": "1"}
