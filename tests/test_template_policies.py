"""The very policies that `vaultpy template` prints, judged: each lets in whom it should, and nobody else."""

from __future__ import annotations

import ast
from dataclasses import replace
from inspect import getsource
from itertools import product
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore import xform_name

from support.cloudformation import Stack
from support.pcscd import missing
from support.policy_evaluator import Caller, allowed, may_assume
from support.policy_mutants import mutants
from support.printed_templates import ACTION, AGED, CHILD, CROSS, EXTERNAL, HOME, USERS, template
from support.world import World
from vaultpy import iam
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from support.policy_evaluator import Json

FOREIGN = "777788889999"
EVERYTHING: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
}
READ_ONLY: Json = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": ["ec2:Describe*", "s3:Get*"], "Resource": "*"}
    ],
}
LIBRARY = {"ReadOnlyAccess": READ_ONLY}

PRESENT, AGE = "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"
CONTEXTS = {
    "key": {},  # an access key says nothing of MFA
    "session": {PRESENT: "false"},
    "mfa": {PRESENT: "true", AGE: "3599"},
    "old": {PRESENT: "true", AGE: "3600"},
    "odd": {PRESENT: "false", AGE: "10"},  # AWS says no such thing; both halves of a condition are to hold
}
ALL_MFA = {"mfa", "old"}


def described(value: object) -> str:
    """Return a test's name for a value, the same in every process: sets have their own order in each."""
    return str(sorted(value) if isinstance(value, set) else value)


"""The contexts that pass where no age is said; the age that tests say is an hour."""


# ---- assuming roles ----------------------------------------------------------------------------------

ROLES = ("human", "engineering", "operations", "administrator")
BY_GROUPS = {
    "alice": {"human", "engineering"},
    "bob": {"human", "operations"},
    "carol": {"human", "administrator"},
    "dave": {"human"},
    "erin": {"human", "engineering", "operations"},
    "mallory": set(),
    "mighty": set(ROLES),
}


def callers(stack: Stack, context: dict[str, str]) -> dict[str, Caller]:
    """Return those who try: users of the template and of elsewhere, and sessions of roles."""
    tried = {
        name: Caller(stack.arn(f"user/{name}"), stack.user(name).policies, context) for name in BY_GROUPS
    }
    tried["mighty"] = Caller(stack.arn("user/mighty"), (EVERYTHING,), context)
    tried["stranger"] = Caller(f"arn:aws:iam::{FOREIGN}:user/alice", (EVERYTHING,), context)
    for role in stack.names("role"):
        # What a role's session may do is another matter: even if all, it cannot show MFA.
        without = {
            key: value for key, value in context.items() if value not in {"true", "3599", "3600", "10"}
        }
        tried[f"session of {role}"] = Caller(stack.arn(f"role/{role}"), (EVERYTHING,), without)
    return tried


def assumed(made: Json, actions: Iterable[str] = ("sts:AssumeRole",)) -> set[tuple[str, ...]]:
    stack = Stack(made, HOME)
    return {
        (name, moment, role, action)
        for moment, context in CONTEXTS.items()
        for name, caller in callers(stack, context).items()
        for role in stack.names("role")
        for action in actions
        if may_assume(caller, stack.arn(f"role/{role}"), stack.trust(role), action=action)
    }


def to_assume(contexts: Iterable[str]) -> set[tuple[str, ...]]:
    return {
        (name, moment, role, "sts:AssumeRole")
        for (name, roles), moment in product(BY_GROUPS.items(), contexts)
        for role in roles
    }


STS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


def test_a_role_is_assumed_by_its_group_with_mfa_and_by_nobody_else() -> None:
    assert assumed(template("organization", *USERS), STS) == to_assume(ALL_MFA)


def test_a_role_with_an_mfa_age_is_assumed_while_the_mfa_is_younger() -> None:
    assert assumed(template("organization", *USERS, *AGED), STS) == to_assume({"mfa"})


def test_users_who_are_added_to_groups_later_have_the_same_rights() -> None:
    stack = Stack(template("organization"), HOME)
    late = stack.user("late", ["Human", "Operations"])
    late = Caller(late.arn, late.policies, CONTEXTS["mfa"])
    found = {role for role in ROLES if may_assume(late, stack.arn(f"role/{role}"), stack.trust(role))}
    assert found == {"human", "operations"}


def test_a_prefix_keeps_two_organizations_of_an_account_apart() -> None:
    two = [Stack(template("organization", *USERS, *words), HOME) for words in ((), ("--prefix", "acme-"))]
    for mine, other in (two, two[::-1]):
        carol = Caller(mine.arn("user/carol"), mine.user("carol").policies, CONTEXTS["mfa"])
        assert [
            may_assume(carol, mine.arn(f"role/{role}"), mine.trust(role)) for role in mine.names("role")
        ].count(True)
        assert not any(
            may_assume(carol, other.arn(f"role/{role}"), other.trust(role)) for role in other.names("role")
        )
        assert not set(mine.names("group")) & set(other.names("group"))


# ---- another account ---------------------------------------------------------------------------------

PARENT = {"alice": {"audit"}, "bob": {"audit"}, "team/alice": {"audit"}, "lazy": set[str]()}


def crossed(made: Json) -> set[tuple[str, str, str]]:
    """Return who of the parent account and others gets in: who, with what MFA, with which external id."""
    stack = Stack(made, CHILD)
    role, trust = stack.arn("role/audit"), stack.trust("audit")
    group = Stack(
        template("cross-account-group", "--child", CHILD, "--role", "audit", "--group", "Auditors"), HOME
    )
    may = group.policies_of("group", "Auditors")
    found = set()
    for (moment, context), external in product(CONTEXTS.items(), (EXTERNAL, EXTERNAL + "0", "")):
        bare = {key: value for key, value in context.items() if moment == "session"}
        tried = {
            **{
                name: Caller(group.arn(f"user/{name}"), may, context)
                for name in ("alice", "bob", "team/alice")
            },
            "lazy": Caller(group.arn("user/lazy"), (), context),
            "role ops": Caller(group.arn("role/ops"), may, bare),
            "role other": Caller(group.arn("role/other"), may, bare),
            "local": Caller(stack.arn("user/alice"), (EVERYTHING,), context),
            "stranger": Caller(f"arn:aws:iam::{FOREIGN}:user/alice", (EVERYTHING,), context),
        }
        extra = {"sts__ExternalId": external} if external else {}
        for name, caller in tried.items():
            for action in STS:
                # Their own policies forbid the other actions; the trust policy is to do so too.
                mighty = replace(caller, policies=caller.policies and (EVERYTHING,))
                asking = caller if action == "sts:AssumeRole" else mighty
                if may_assume(asking, role, trust, action=action, **extra):
                    found.add((name, moment, external + action.removeprefix("sts:AssumeRole")))
    return found


def crossing(names: Iterable[str], moments: Iterable[str]) -> set[tuple[str, str, str]]:
    return {(name, moment, EXTERNAL) for name, moment in product(names, moments)}


PEOPLE = ("alice", "bob", "team/alice")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), crossing(PEOPLE, ALL_MFA)),
        (AGED, crossing(PEOPLE, {"mfa"})),
        (("--from-user", "alice"), crossing(["alice"], ALL_MFA)),
        (("--from-user", "team/alice", *AGED), crossing(["team/alice"], {"mfa"})),
        (("--from-role", "ops"), crossing(["role ops"], CONTEXTS)),
        (
            ("--from-user", "bob", "--from-role", "ops"),
            crossing(["bob"], ALL_MFA) | crossing(["role ops"], CONTEXTS),
        ),
    ],
    ids=["any person", "recent MFA", "a user", "a user, recent MFA", "a role", "a user and a role"],
)
def test_a_role_in_another_account_wants_the_external_id_and_mfa_of_those_it_trusts(
    words: tuple[str, ...], expected: set[tuple[str, str, str]]
) -> None:
    assert crossed(template("cross-account-role", *CROSS, *words)) == expected


def test_the_group_of_the_parent_account_may_assume_that_role_and_do_nothing_else() -> None:
    stack = Stack(
        template("cross-account-group", "--child", CHILD, "--role", "audit", "--group", "Auditors"), HOME
    )
    member = stack.user("alice", ["Auditors"])
    child = f"arn:aws:iam::{CHILD}:role/"
    resources = [child + "audit", child + "audit2", stack.arn("role/audit"), stack.arn("user/alice"), "*"]
    actions = [*STS, "iam:GetRole", "s3:GetObject", "iam:ListMFADevices"]
    found = [pair for pair in product(actions, resources) if allowed(member, *pair)]
    assert found == [("sts:AssumeRole", child + "audit")]


# ---- oneself -----------------------------------------------------------------------------------------

LIST, LIST_VIRTUAL = "iam:ListMFADevices", "iam:ListVirtualMFADevices"
ENABLE = {LIST, "iam:EnableMFADevice", "iam:ResyncMFADevice"}
MAKE = {"iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"}
KEYS = {
    *("iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:GetAccessKeyLastUsed"),
    *("iam:ListAccessKeys", "iam:UpdateAccessKey"),
}
MANAGE = {"iam:DeactivateMFADevice", *KEYS}
OWN = ENABLE | MAKE | MANAGE | {LIST_VIRTUAL}

# alice's own, what others have whose names begin or end alike, and what is nobody's.
TARGETS = (
    *("user/alice", "user/al", "user/alice-b", "user/bob", "user/team/alice", "user/alice/bob"),
    *("mfa/alice", "mfa/al", "mfa/alice-b", "mfa/bob", "mfa/alice=spare", "mfa/al=spare", "mfa/bob=alice"),
    *("mfa/", "role/human", "group/Human", "policy/vaultpy-self-management"),
)
OTHERS = (
    *("iam:DeleteUser", "iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:CreateLoginProfile", "iam:GetRole"),
    *("iam:AddUserToGroup", "iam:UpdateAssumeRolePolicy", "iam:CreatePolicyVersion", "iam:GetUser"),
    *("s3:GetObject", "ec2:RunInstances", "kms:Decrypt", "sts:GetFederationToken", "sts:TagSession"),
)
Verdicts = set[tuple[str, str, str]]


def about_oneself(
    policies: tuple[Json, ...],
    actions: Iterable[str] = (*sorted(OWN), *OTHERS),
    targets: Iterable[str] = TARGETS,
) -> Verdicts:
    """Return what alice may do: with what MFA, which action, to what."""
    found = set()
    for (moment, context), action, target in product(CONTEXTS.items(), actions, targets):
        alice = Caller(f"arn:aws:iam::{HOME}:user/alice", policies, context)
        if possible(action, target) and allowed(alice, action, f"arn:aws:iam::{HOME}:{target}"):
            found.add((moment, action, target))
    return found


def possible(action: str, target: str) -> bool:
    """Tell whether IAM ever asks for that action about such a thing: only `mfa/...` is made or deleted."""
    kind = "mfa/" if action in MAKE else "user/" if action in ENABLE | MANAGE else ""
    return target.startswith(kind)


def own_things(*, managed: bool = True) -> Verdicts:
    """Return what alice should be able to do to herself."""
    if not managed:
        return set(product(CONTEXTS, {LIST}, {"user/alice"}))
    return {
        *product(CONTEXTS, ENABLE, {"user/alice"}),
        *product(CONTEXTS, MAKE, {"mfa/alice"}),
        *product(CONTEXTS, {LIST_VIRTUAL}, TARGETS),
        *product(ALL_MFA, MAKE, {"mfa/alice=spare"}),
        *product(ALL_MFA, MANAGE, {"user/alice"}),
    }


def human(*words: str) -> tuple[Json, ...]:
    return Stack(template("organization", *words), HOME).policies_of("group", "Human")


@pytest.mark.parametrize("words", [(), AGED], ids=str)
def test_people_look_after_their_own_keys_and_devices_and_nobody_elses(words: tuple[str, ...]) -> None:
    assert about_oneself(human(*words)) == own_things()


def test_people_who_do_not_look_after_themselves_see_their_devices_and_no_more() -> None:
    assert about_oneself(human("--no-self-management")) == own_things(managed=False)


def test_the_other_groups_give_nothing_but_a_role() -> None:
    stack = Stack(template("organization"), HOME)
    for group in ("Engineering", "Operations", "Administrators"):
        assert about_oneself(stack.policies_of("group", group)) == set()


def test_self_management_alone_gives_the_same() -> None:
    stack = Stack(template("self-management", "--group", "Developers"), HOME)
    assert about_oneself(stack.policies_of("group", "Developers")) == own_things()
    assert stack.policies_of("group", "Others") == ()


def operations(service: str) -> dict[str, str]:
    """Return all operations of an AWS service, by the name of boto3's method."""
    model: Any = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): f"{service}:{name}" for name in model.operation_names}


def test_of_all_that_iam_and_sts_can_do_people_may_do_what_is_their_own() -> None:
    every = [*operations("iam").values(), *operations("sts").values()]
    assert set(every) >= OWN
    free = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
    found = about_oneself(human(), [action for action in every if action not in free])
    assert found == own_things() | set(product(CONTEXTS, {"sts:AssumeRole"}, {"role/human"}))


def test_self_management_allows_what_vaultpys_commands_ask_of_iam_and_nothing_else() -> None:
    calls = [node for node in ast.walk(ast.parse(getsource(iam))) if isinstance(node, ast.Call)]
    asked = [
        call.args[0]
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"_call", "_list"}
    ]
    names = {str(each.value) for each in asked if isinstance(each, ast.Constant)}
    known = operations("iam")
    assert len(names) == len(asked) - 1  # `_list` hands on what it is given
    assert {known[name] for name in names} == {action for _, action, _ in own_things()}


def test_add_finds_the_mfa_device_without_mfa_whatever_the_template() -> None:
    for words in ((), ("--no-self-management",)):
        assert ("key", LIST, "user/alice") in about_oneself(human(*words))
        denying = Stack(template("deny-without-mfa", *words, "--group", "G"), HOME).policies_of("group", "G")
        assert ("key", LIST, "user/alice") in about_oneself(denying)


@pytest.mark.long  # AWS takes a code once, and a new access key takes its time
@pytest.mark.timeout(240)
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_by_these_rights_alone_vaultpys_commands_lead_from_a_first_key_to_a_role_and_back(
    tmp_path: Path,
) -> None:
    every = set(operations("iam").values())
    own = {it for it in about_oneself(human(), every) if it[2] in {"user/alice", "mfa/alice"}}
    may = {moment: {action for at, action, _ in own if at == moment} for moment in ("key", "mfa")}
    world = World(tmp_path, finger=SteadyFinger())
    world.yubikey = SimulatedYubiKey(finger=world.finger)
    world.alice.mfa_devices.clear()
    world.alice.account.virtual_devices.clear()
    world.alice.denied |= every - may["mfa"]
    world.alice.denied_without_mfa |= every - may["key"]
    with world:
        first = world.access_key.id
        world.enrol()
        for words in (
            ("mfa", "enroll", "dev"),
            ("rotate", "dev"),
            ("exec", "dev-role", "--", "true"),
            ("mfa", "remove", "dev", "--yes"),
        ):
            done = world.vaultpy(*words)
            assert done.returncode == 0, done.stderr
        active = [key_id for key_id, key in world.alice.access_keys.items() if key.active]
        assert len(active) == 1
        assert active != [first]
        assert world.alice.mfa_devices == {}
        assert world.alice.account.virtual_devices == {}


# ---- without roles -----------------------------------------------------------------------------------


def denied(made: Json) -> tuple[Verdicts, Verdicts]:
    """Return what alice may do who has no other rights, and who has all."""
    mine = Stack(made, HOME).policies_of("group", "G")
    actions = (*sorted(OWN), *OTHERS, "sts:GetSessionToken", "sts:AssumeRole")
    return about_oneself(mine, actions), about_oneself((*mine, EVERYTHING), actions)


def meant(contexts: set[str], *, managed: bool) -> tuple[Verdicts, Verdicts]:
    """Return what she should be able to do, with all rights in `contexts` only."""
    session = set(product(CONTEXTS, {"sts:GetSessionToken"}, TARGETS))
    others = set(CONTEXTS) - contexts
    further = set(product(MAKE, {"mfa/alice=spare"}))
    poor = {
        (moment, action, target)
        for moment, action, target in own_things(managed=managed)
        if moment in contexts or (action not in MANAGE and (action, target) not in further)
    }
    way = {verdict for verdict in poor if verdict[0] in others}
    every = product(contexts, (*OWN, *OTHERS, "sts:AssumeRole"), TARGETS)
    everything = {verdict for verdict in every if possible(*verdict[1:])}
    return poor | session, everything | way | session


@pytest.mark.parametrize(
    ("words", "contexts", "managed"),
    [
        ((), ALL_MFA, True),
        (AGED, {"mfa"}, True),
        (("--no-self-management",), ALL_MFA, False),
        (("--no-self-management", *AGED), {"mfa"}, False),
    ],
    ids=described,
)
def test_without_mfa_even_the_mighty_may_only_get_it_for_themselves(
    words: tuple[str, ...], contexts: set[str], *, managed: bool
) -> None:
    made = template("deny-without-mfa", "--group", "G", *words)
    assert denied(made) == meant(contexts, managed=managed)
    mine = Stack(made, HOME).policies_of("group", "G")
    assert about_oneself(allowing(mine)) == own_things(managed=managed)


def test_a_thief_of_an_access_key_adds_no_device_to_a_user_who_has_the_one_of_that_name() -> None:
    """What an access key may create is only mfa/alice, which AWS refuses while there is one."""
    for words in (
        ("organization",),
        ("deny-without-mfa", "--group", "Human"),
        ("self-management", "--group", "Human"),
    ):
        mine = Stack(template(*words), HOME).policies_of("group", "Human")
        made = {
            target
            for moment, action, target in about_oneself(mine, sorted(MAKE))
            if moment in {"key", "session"}
        }
        assert made == {"mfa/alice"}
        assert not [
            it for it in about_oneself(mine, ["iam:DeactivateMFADevice"]) if it[0] in {"key", "session"}
        ]


# ---- one action --------------------------------------------------------------------------------------


def behind(
    made: Json, only: Callable[[tuple[Json, ...]], tuple[Json, ...]] = lambda every: every
) -> set[tuple[str, str, str]]:
    """Return who does what: a member of the group, one with all rights besides, and somebody else."""
    stack = Stack(made, HOME, library=LIBRARY)
    mine = only(stack.policies_of("group", "Caretakers"))
    people = {"member": mine, "mighty": (*mine, EVERYTHING), "other": ()}
    actions = ("ec2:TerminateInstances", "ec2:StopInstances", "ec2:DescribeInstances", "s3:GetObject")
    resource = f"arn:aws:ec2:eu-west-1:{HOME}:instance/i-1"
    return {
        (name, moment, action)
        for (name, policies), (moment, context), action in product(people.items(), CONTEXTS.items(), actions)
        if allowed(Caller(stack.arn("user/alice"), policies, context), action, resource)
    }


def behind_meant(contexts: set[str]) -> set[tuple[str, str, str]]:
    return {
        *product({"member", "mighty"}, CONTEXTS, {"ec2:DescribeInstances", "s3:GetObject"}),
        *product({"mighty"}, CONTEXTS, {"ec2:StopInstances"}),
        *product({"member", "mighty"}, contexts, {"ec2:TerminateInstances"}),
    }


@pytest.mark.parametrize(("words", "contexts"), [((), ALL_MFA), (AGED, {"mfa"})], ids=described)
def test_an_action_behind_mfa_is_done_with_mfa_only_and_reading_always(
    words: tuple[str, ...], contexts: set[str]
) -> None:
    made = template("action-behind-mfa", *ACTION, *words)
    assert behind(made) == behind_meant(contexts)
    assert {it for it in behind(made, allowing) if it[0] == "member"} == {
        it for it in behind_meant(contexts) if it[0] == "member"
    }
    assert Stack(made, HOME, "aws-cn").attached("group", "Caretakers") == [
        "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"
    ]


# ---- a slip of the pen -------------------------------------------------------------------------------

SMALL = (*sorted(OWN), "iam:DeleteUser", "iam:UpdateAssumeRolePolicy", "s3:GetObject", "sts:AssumeRole")
FEW = (
    "user/alice",
    "user/alice-b",
    "mfa/alice",
    "mfa/alice-b",
    "mfa/alice=spare",
    "role/human",
    "role/other",
)


def judged_organization(made: Json) -> object:
    stack = Stack(made, HOME)
    groups = [stack.policies_of("group", name) for name in stack.names("group")]
    targets = (*FEW, *(f"role/{role}" for role in stack.names("role")))
    return assumed(made, STS), [about_oneself(each, SMALL, targets) for each in groups]


def judged_denial(made: Json) -> object:
    """Return what the whole says, and what it allows if nothing is denied: either half is to hold alone."""
    mine = Stack(made, HOME).policies_of("group", "G")
    actions = (*SMALL, "sts:GetSessionToken")
    tried = (mine, (*mine, EVERYTHING), allowing(mine))
    return [about_oneself(each, actions, FEW) for each in tried]


def judged_action(made: Json) -> object:
    return behind(made), behind(made, allowing)


def allowing(policies: tuple[Json, ...]) -> tuple[Json, ...]:
    """Return the policies without what they deny."""
    return tuple(
        {**each, "Statement": [it for it in each["Statement"] if it["Effect"] == "Allow"]}
        for each in policies
    )


JUDGES: list[tuple[tuple[str, ...], Callable[[Json], object]]] = [
    (("organization", *USERS), judged_organization),
    (("organization", *USERS, *AGED, "--no-self-management"), judged_organization),
    (("cross-account-role", *CROSS), crossed),
    (("cross-account-role", *CROSS, "--from-user", "alice", "--from-role", "ops", *AGED), crossed),
    (("deny-without-mfa", "--group", "G"), judged_denial),
    (("deny-without-mfa", "--group", "G", *AGED), judged_denial),
    (("deny-without-mfa", "--group", "G", "--no-self-management"), judged_denial),
    (("action-behind-mfa", *ACTION), judged_action),
    (("action-behind-mfa", *ACTION, *AGED), judged_action),
]


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)], ids=["some", "all"])
@pytest.mark.parametrize(
    ("first", "words", "judge"),
    [(number, *each) for number, each in enumerate(JUDGES)],
    ids=lambda it: " ".join(it) if isinstance(it, tuple) else "",
)
def test_nothing_can_be_left_out_of_a_policy_or_widened_without_somebody_noticing(
    first: int, words: tuple[str, ...], judge: Callable[[Json], object], every: int
) -> None:
    made = template(*words)
    right = judge(made)
    tried = list(mutants(made))
    assert len(tried) > 5
    some = tried[first % every :: every]  # others in each of these templates, which have much in common
    assert [what for what, mutant in some if judge(mutant) == right] == []
