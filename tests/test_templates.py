"""The templates as the command prints them: valid, with what was said in them, and nothing hostile.

Whom their policies let in is judged in test_template_policies.py.
"""

from __future__ import annotations

import json
import re
import string
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.cloudformation import Stack
from support.printed_templates import (
    ACTION,
    AGED,
    CHILD,
    COMMAND,
    CROSS,
    EXTERNAL,
    HOME,
    USERS,
    printed,
    template,
)
from support.world import BIN
from vaultpy import errors, template_values, templates
from vaultpy.template_resources import DESCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from support.policy_evaluator import Json

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
DOCUMENT = Path(__file__).parent.parent / "docs" / "templates.md"


# ---- what is printed, with several sets of options ---------------------------------------------------

VARIANTS = [
    ("organization",),
    ("organization", *USERS),
    ("organization", *USERS, *AGED, "--no-self-management", "--prefix", "acme-", "--max-session", "12h"),
    ("organization", "--user", "a.b_c@example.org", "--user", "aXb", "--user", "a+b", "--user", "a,b"),
    (
        "organization",
        "--policy",
        "operations=IAMFullAccess",
        "--policy",
        f"human=arn:aws:iam::{HOME}:policy/x/y",
    ),
    ("cross-account-role", *CROSS),
    ("cross-account-role", *CROSS, "--from-user", "team/alice", "--from-user", "bob", *AGED),
    ("cross-account-role", *CROSS, "--from-role", "ops", "--max-session", "2h"),
    (
        "cross-account-role",
        *CROSS,
        "--from-user",
        "alice",
        "--from-role",
        "ops",
        "--policy",
        "job-function/Billing",
    ),
    ("cross-account-group", "--child", CHILD, "--role", "audit", "--group", "Auditors"),
    ("deny-without-mfa",),
    ("deny-without-mfa", "--group", "Developers", "--group", "Others", *AGED),
    ("deny-without-mfa", "--name", "mfa", "--no-self-management"),
    ("action-behind-mfa", *ACTION),
    ("action-behind-mfa", *ACTION, "--action", "rds:DeleteDBInstance", *AGED),
    ("self-management",),
    ("self-management", "--group", "Developers", "--name", "own"),
]


def lint(paths: Iterable[Path]) -> list[str]:
    """Return what cfn-lint says, without a network."""
    command = [
        "unshare",
        "--map-root-user",
        "--net",
        str(BIN / "cfn-lint"),
        "--format",
        "parseable",
        "--include-checks",
        "I",
        "--regions",
    ]
    command += ["us-east-1", "cn-north-1", "us-gov-west-1", "--", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


MISTAKES = [
    ("AWS::IAM::Group", "AWS::IAM::Grupp"),
    ("ec2:TerminateInstances", "ec2:TerminateEverything"),
    ('"GroupName"', '"Name"'),
    ('"Effect": "Allow"', '"Effect": "Permit"'),
    ("${AWS::Partition}", "${AWS::Part}"),
]


def test_cfn_lint_finds_a_mistake_and_nothing_in_any_template(tmp_path: Path) -> None:
    texts = {tmp_path / f"{number}.json": printed(*words) for number, words in enumerate(VARIANTS)}
    assert {words[0] for words in VARIANTS} == set(DESCRIPTIONS)
    text = printed("action-behind-mfa", *ACTION)
    wrong = {
        tmp_path / f"wrong-{number}.json": text.replace(*mistake, 1)
        for number, mistake in enumerate(MISTAKES)
    }
    assert text not in wrong.values()
    for path, content in {**texts, **wrong}.items():
        path.write_text(content)
    assert {line.partition(":")[0] for line in lint([*texts, *wrong])} == {str(path) for path in wrong}


@pytest.mark.parametrize("words", VARIANTS, ids=" ".join)
def test_a_template_fits_into_what_aws_takes(words: tuple[str, ...]) -> None:
    text = printed(*words)
    assert len(text) < 51200
    for name, document in policies(*words).items():
        size = len(json.dumps(document, separators=(",", ":")))
        assert size <= (2048 if name.endswith(".trust") else 5120), name
        sids = [statement["Sid"] for statement in document["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(sid.isalnum() for sid in sids)


def test_the_longest_trust_policy_that_is_printed_is_one_that_aws_takes() -> None:
    def trust(count: int) -> Json:
        users = [f"{'x' * 62}{number:02}" for number in range(count)]
        made = templates.cross_account_role(
            HOME, EXTERNAL, "audit", from_users=users, from_roles=[], policies=[]
        )
        return Stack(made, CHILD, "aws-us-gov").trust("audit")

    count = 1
    while not fails(trust, count + 1):
        count += 1
    assert 1900 < len(json.dumps(trust(count), separators=(",", ":"))) <= 2048
    with pytest.raises(errors.BadTemplateValue, match=f"with {count + 1} names"):
        trust(count + 1)


def fails(act: Callable[[int], object], count: int) -> bool:
    try:
        act(count)
    except errors.BadTemplateValue:
        return True
    return False


def test_so_many_users_are_made_as_a_template_without_a_bucket_holds() -> None:
    def made(count: int) -> str:
        return printed("organization", *(f"--user={'x' * 61}{number:03}" for number in range(count)))

    assert len(made(100)) < 51200
    assert fails(made, 1000)


def test_users_have_no_policy_of_their_own_and_roles_have_what_is_said() -> None:
    made = template("organization", *USERS, "--policy", "operations=IAMFullAccess", "--max-session", "2h")
    stack = Stack(made, HOME)
    users = [each for each in made["Resources"].values() if each["Type"] == "AWS::IAM::User"]
    assert len(users) == 5
    assert all(set(each["Properties"]) == {"UserName", "Groups"} for each in users)
    of_aws = "arn:aws:iam::aws:policy/"
    assert {role: stack.attached("role", role) for role in templates.ROLES} == {
        "human": [f"{of_aws}job-function/ViewOnlyAccess"],
        "engineering": [f"{of_aws}PowerUserAccess"],
        "operations": [f"{of_aws}IAMFullAccess"],
        "administrator": [f"{of_aws}AdministratorAccess"],
    }
    assert {stack.session_limit(role) for role in templates.ROLES} == {7200}
    assert stack.outputs(made) == {stack.arn(f"role/{role}") for role in templates.ROLES}


def test_a_users_logical_id_stays_when_others_come_and_go() -> None:
    one = template("organization", "--user", "zoe", "--user", "a.b")["Resources"]
    two = template("organization", "--user", "aXb", "--user", "a+b", "--user", "zoe")["Resources"]
    ids = {key for key, made in (one | two).items() if made["Type"] == "AWS::IAM::User"}
    assert len(ids) == 4
    assert [key for key in one if key in two and key in ids] == ["Userzoe"]


def test_no_logical_id_is_longer_than_cloudformation_takes_and_long_ones_differ() -> None:
    ids = set()
    for name in ("_" * 128, "_" * 127 + "-", "_" * 127, "x" * 128):
        made = template("action-behind-mfa", *ACTION[:-1], name)["Resources"]
        ids |= set(made)
    assert len(ids) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9]{1,255}", each) for each in ids)
    assert "Group" + "x" * 128 in ids


# ---- the plain policies ------------------------------------------------------------------------------


def policies(*words: str, partition: str = "aws") -> Json:
    return template(*words, "--format", "policies", "--account", HOME, "--partition", partition)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("words", VARIANTS, ids=" ".join)
def test_plain_policies_are_those_that_the_template_makes(words: tuple[str, ...], partition: str) -> None:
    stack = Stack(template(*words), HOME, partition)
    plain = policies(*words, partition=partition)
    assert "Fn::" not in json.dumps(plain)
    made = [stack.trust(role) for role in stack.names("role")]
    made += [
        each for kind in ("group", "policy") for name in stack.names(kind) for each in stack.own(kind, name)
    ]
    assert sorted(map(json.dumps, plain.values())) == sorted(map(json.dumps, made))
    for role in stack.names("role"):
        assert plain[f"{role}.trust"] == stack.trust(role)


def test_plain_policies_have_names() -> None:
    assert set(policies("organization")) == {
        *("Human.vaultpy", "Engineering.vaultpy", "Operations.vaultpy", "Administrators.vaultpy"),
        *("human.trust", "engineering.trust", "operations.trust", "administrator.trust"),
    }
    assert set(policies("cross-account-role", *CROSS)) == {"audit.trust"}
    assert set(policies("action-behind-mfa", *ACTION)) == {"Caretakers.vaultpy-behind-mfa"}
    assert set(policies("self-management", "--name", "own")) == {"own"}


def test_policies_that_name_no_account_of_their_own_need_none() -> None:
    assert template("cross-account-role", *CROSS, "--format", "policies") == policies(
        "cross-account-role", *CROSS
    )


# ---- what is refused ---------------------------------------------------------------------------------

BASES = {
    "organization": (),
    "cross-account-role": CROSS,
    "cross-account-group": ("--child", CHILD, "--role", "audit", "--group", "Auditors"),
    "deny-without-mfa": (),
    "action-behind-mfa": ACTION,
    "self-management": (),
}
HOSTILE = (
    *(
        " ",
        "*",
        "?",
        "a b",
        "a\nb",
        "a\n",
        'a"b',
        "a'b",
        "a\\b",
        "$(id)",
        "${aws:username}",
        "${AWS::Region}",
    ),
    *(
        "${!x}",
        "{{resolve:ssm:x}}",
        "\u00e9",
        "\u0661" * 12,
        "\x1b[2J",
        "\u202e",
        "a\x7fb",
        "<a>",
        "a;b",
        "x" * 2000,
    ),
)
TEXTS = (
    *(
        "organization --user=",
        "organization --user=alice=",
        "organization --prefix=",
        "organization --policy=",
    ),
    *("organization --policy=human=", "organization --max-mfa-age=", "organization --max-session="),
    *("cross-account-role --parent=", "cross-account-role --external-id=", "cross-account-role --role="),
    *("cross-account-role --from-user=", "cross-account-role --from-role=", "cross-account-role --policy="),
    *("cross-account-role --max-mfa-age=", "cross-account-role --max-session="),
    *("cross-account-group --child=", "cross-account-group --role=", "cross-account-group --group="),
    *("deny-without-mfa --group=", "deny-without-mfa --name=", "deny-without-mfa --max-mfa-age="),
    *("action-behind-mfa --action=", "action-behind-mfa --group=", "action-behind-mfa --max-mfa-age="),
    *("self-management --group=", "self-management --name=", "self-management --format=policies --account="),
    "self-management --account=111122223333 --format=policies --partition=",
)


def refused(*words: str) -> errors.VaultpyError:
    """Return the error that the command line makes of these words, before it has printed anything."""
    with pytest.raises(errors.VaultpyError) as raised:
        COMMAND.main(list(words), standalone_mode=False)
    return raised.value


@pytest.mark.parametrize("option", TEXTS)
def test_a_hostile_value_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *words = option.split()
    for value in ("", *HOSTILE):
        if value == "" and option == "organization --prefix=":
            continue  # which is to say nothing
        error = refused(name, *BASES[name], *words[:-1], words[-1] + value)
        assert isinstance(error, (errors.BadTemplateValue, errors.BadDuration, errors.UsageError)), value
        assert error.status == 2
        assert error.message.isprintable()
        assert error.hint
    assert capsys.readouterr().out == ""


@given(
    st.text(max_size=12) | st.text('*?${}"a=/', max_size=6), st.sampled_from(sorted(template_values._KINDS))
)
def test_what_is_taken_cannot_be_more_than_itself(text: str, kind: str) -> None:
    try:
        template_values.checked("--option", kind, text)
    except errors.BadTemplateValue:
        return
    assert set(text) <= set(string.ascii_letters + string.digits + "_+=,.@-:/")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--user", "alice=Finance"), "the groups are Human, Engineering, Operations, Administrators"),
        (("--user", "alice="), "the groups are Human, Engineering, Operations, Administrators"),
        (("--user", "alice=engineering"), "the groups are Human, Engineering, Operations, Administrators"),
        (("--user", "alice", "--user", "Alice=Operations"), "leave one of them out"),
        (("--user", "x" * 65), "write it as --user alice"),
        (("--user", "alice=spare=Human"), "the groups are Human, Engineering, Operations, Administrators"),
        (("--policy", "finance=Billing"), "the roles are human, engineering, operations, administrator"),
        (("--policy", "human=Billing", "--policy", "human=Billing"), "leave one of them out"),
        (("--max-mfa-age", "14m"), "write it as --max-mfa-age 8h"),
        (("--max-mfa-age", "37h"), "write it as --max-mfa-age 8h"),
        (("--max-session", "59m"), "write it as --max-session 8h"),
        (("--max-session", "13h"), "write it as --max-session 8h"),
        (
            [f"--user=u{n}" for n in range(1000)],
            "make the others with aws iam create-user and aws iam add-user-to-group",
        ),
        (("--format", "policies"), "see: vaultpy template organization --help"),
        (("--account", HOME), "see: vaultpy template organization --help"),
        (("--partition", "aws"), "see: vaultpy template organization --help"),
    ],
    ids=lambda it: " ".join(it)[:40] if not isinstance(it, str) else "",
)
def test_what_makes_no_sense_is_refused_with_what_would(words: Iterable[str], said: str) -> None:
    assert refused("organization", *words).hint == said


def test_the_limits_themselves_are_taken() -> None:
    made = template("organization", "--max-mfa-age", "15m", "--max-session", "12h", "--user", "x" * 64)
    stack = Stack(made, HOME)
    assert stack.session_limit("human") == 43200
    condition = stack.trust("human")["Statement"][0]["Condition"]
    assert condition["NumericLessThan"] == {"aws:MultiFactorAuthAge": "900"}
    assert template("organization", "--max-mfa-age", "36h")


# ---- the command -------------------------------------------------------------------------------------


def test_without_a_name_the_templates_are_listed() -> None:
    lines = printed().splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == list(DESCRIPTIONS)
    assert [line.split(maxsplit=1)[1] for line in lines] == list(DESCRIPTIONS.values())


def test_the_installed_command_needs_no_config_no_credentials_and_no_network(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"\xff")
    environment = {
        "HOME": "/nonexistent",
        "AWS_CONFIG_FILE": str(tmp_path / "broken"),
        "HTTPS_PROXY": "http://[::1]:9",
    }
    command = ["unshare", "--map-root-user", "--net", str(BIN / "vaultpy"), "template", "self-management"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed("self-management"), "")


def test_the_document_has_each_template_with_its_options() -> None:
    chapters = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)
    texts = dict(chapter.split("\n", 1) for chapter in chapters[1:])
    shared = {"--format", "--account", "--partition"}
    assert shared <= set(OPTION.findall(texts["Plain policies"]))
    for name in DESCRIPTIONS:
        offered = set(OPTION.findall(printed(name, "--help").partition("Options:")[2])) - {"--help"}
        rows = re.findall(r"^\| (.*?) \|", texts[name], flags=re.MULTILINE)
        assert {option for row in rows for option in OPTION.findall(row)} | shared == offered


def test_the_document_has_the_roles_and_what_they_have() -> None:
    rows = re.findall(r"^\| `(\w+)`.*? \| `(\w+)` \| `([\w/-]+)`", DOCUMENT.read_text(), flags=re.MULTILINE)
    assert rows == [(group, role, policy) for role, (group, policy) in templates.ROLES.items()]
