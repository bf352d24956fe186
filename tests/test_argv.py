"""The words of `exec`: which are options, which is PROFILE, and where CMD begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultpy.argv import EXEC_FLAGS, EXEC_VALUES, VerbWords, split_words
from vaultpy.errors import UsageError


def split(words: list[str]) -> VerbWords:
    return split_words(words, verb="exec", flags=EXEC_FLAGS, values=EXEC_VALUES)


def show(words: str) -> str:
    """Write the three parts of `words` as `options | profile | command`."""
    parts = split(words.split())
    return f"{' '.join(parts.options)} | {parts.profile} | {' '.join(parts.command)}".strip()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("dev", "| dev |"),
        ("dev terraform apply -auto-approve", "| dev | terraform apply -auto-approve"),
        ("dev -- terraform apply", "| dev | terraform apply"),
        ("--direct dev cmd", "--direct | dev | cmd"),
        ("dev --direct cmd", "--direct | dev | cmd"),
        ("--direct dev --no-cache -- cmd", "--direct --no-cache | dev | cmd"),
        ("-d 1h dev --region eu-west-1 cmd", "-d 1h --region eu-west-1 | dev | cmd"),
        ("-d1h dev --region=eu-west-1 cmd", "-d1h --region=eu-west-1 | dev | cmd"),
        ("dev -t 123456 cmd", "-t 123456 | dev | cmd"),
        ("dev --mfa-token - cmd", "--mfa-token - | dev | cmd"),
        ("dev --duration 1h", "--duration 1h | dev |"),
    ],
)
def test_options_may_stand_before_or_after_profile(words: str, parts: str) -> None:
    assert show(words) == parts


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("dev cmd --direct --unknown -d", "| dev | cmd --direct --unknown -d"),
        ("dev -- --direct", "| dev | --direct"),
        ("dev cmd -- x", "| dev | cmd -- x"),
        ("dev -- -- x", "| dev | -- x"),
        ("dev --", "| dev |"),
        ("dev - x", "| dev | - x"),
        ("- cmd", "| - | cmd"),
    ],
)
def test_from_cmd_on_every_word_is_the_commands(words: str, parts: str) -> None:
    assert show(words) == parts


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("-- dev cmd", "| dev | cmd"),
        ("-- dev -- cmd", "| dev | cmd"),
        ("--direct -- -odd --region", "--direct | -odd | --region"),
        ("--", "| None |"),
        ("--direct", "--direct | None |"),
        ("", "| None |"),
    ],
)
def test_two_dashes_before_profile_end_the_options(words: str, parts: str) -> None:
    assert show(words) == parts


@given(st.lists(st.text()))
def test_any_command_after_two_dashes_comes_back_as_it_was(command: list[str]) -> None:
    assert split(["dev", "--", *command]) == VerbWords((), "dev", tuple(command))


@given(st.lists(st.sampled_from(["--direct", "-d1h", "--region=x", "--no-cache"])), st.integers(0, 9))
def test_where_the_options_stand_makes_no_difference(options: list[str], before: int) -> None:
    words = [*options[:before], "dev", *options[before:], "cmd", "-x"]

    assert split(words) == VerbWords(tuple(options), "dev", ("cmd", "-x"))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--unknown", "dev"], "no such option: --unknown"),
        (["dev", "--unknown=1", "cmd"], "no such option: --unknown"),
        (["dev", "-x1", "cmd"], "no such option: -x1"),
        (["dev", "--duration"], "--duration needs a value"),
        (["dev", "-d"], "-d needs a value"),
        (["--duration", "--", "dev"], "--duration needs a value"),
        (["--region", "--direct", "dev"], "--region needs a value"),
        (["--direct=yes", "dev"], "--direct takes no value"),
        (["-hx", "dev"], "-h takes no value"),
        (["", "cmd"], "PROFILE is empty"),
        (["--", "", "cmd"], "PROFILE is empty"),
    ],
)
def test_a_mistake_before_cmd_is_a_usage_error_that_names_it(words: list[str], problem: str) -> None:
    with pytest.raises(UsageError) as mistake:
        split(words)

    assert (mistake.value.message, mistake.value.exec_status) == (problem, 125)
    assert mistake.value.hint == "see: vaultpy exec --help"


@pytest.mark.parametrize("word", ["-n", "--no-session"])
def test_no_session_is_refused_with_the_reason_and_the_way_out(word: str) -> None:
    with pytest.raises(UsageError, match=f"^{word}: .* never lie on the disk in clear; .* --no-cache$"):
        split([word, "dev"])

    assert split(["dev", "cmd", word]).command == ("cmd", word)


def test_the_server_has_a_short_form_and_names_of_its_own_in_other_tools_lead_to_it() -> None:
    assert (
        split(["-s", "dev", "cmd"]).values() == split(["dev", "--server", "cmd"]).values() == {"--server": ""}
    )
    for word in ("--ecs-server", "--ec2-server"):
        with pytest.raises(UsageError, match=f"^no such option: {word}; here it is --server$"):
            split([word, "dev"])


def test_an_option_that_may_be_repeated_gives_all_its_values_in_order() -> None:
    words = split(["--allow-role", "a", "dev", "--allow-role=b", "-s", "cmd"])
    assert words.every("--allow-role") == ["a", "b"]
    assert words.every("--role") == []


def test_debug_after_the_verb_is_refused_with_its_place_and_left_to_the_command() -> None:
    with pytest.raises(UsageError, match=r"^--debug goes before the verb: vaultpy --debug exec \.\.\.$"):
        split(["dev", "--debug", "--", "cmd"])

    assert split(["dev", "--", "cmd", "--debug"]).command == ("cmd", "--debug")


@pytest.mark.parametrize("words", ["--help", "-h", "dev --help", "-d 1h -h dev"])
def test_help_may_be_asked_for_anywhere_before_cmd(words: str) -> None:
    assert split(words.split()).help


@pytest.mark.parametrize("words", ["dev cmd --help", "dev -- -h", "-- --help"])
def test_help_of_the_command_is_the_commands(words: str) -> None:
    assert not split(words.split()).help


def test_a_value_is_no_request_for_help() -> None:
    assert not split(["--region=--help", "dev"]).help


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ([], {}),
        (["-d", "1h"], {"--duration": "1h"}),
        (["-d1h", "--direct"], {"--duration": "1h", "--direct": ""}),
        (["--duration=1h", "--duration", "2h"], {"--duration": "2h"}),
        (["--region="], {"--region": ""}),
        (["-t", "-", "--no-cache"], {"--mfa-token": "-", "--no-cache": ""}),
        (["--mfa-serial=arn:aws:iam::1:mfa/a=b"], {"--mfa-serial": "arn:aws:iam::1:mfa/a=b"}),
    ],
)
def test_options_are_known_by_their_long_names_and_the_last_of_each_counts(
    words: list[str], values: dict[str, str]
) -> None:
    split = split_words([*words, "dev"], verb="exec", flags=EXEC_FLAGS, values=EXEC_VALUES)
    assert split.values() == values
