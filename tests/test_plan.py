"""From a profile to the calls that lead to its credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import examples
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.index import Index
from vaultpy.plan import Options, Plan, make_plan
from vaultpy.records import Enrolment
from vaultpy.signers import Signer
from vaultpy.sts_requests import AssumeRole, Carried, GetSessionToken

if TYPE_CHECKING:
    from pathlib import Path

KEY_ID = "AKIAEXAMPLE123456789"
USER = "arn:aws:iam::123456789012:user/team/alice"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
ROLE = "arn:aws:iam::123456789012:role/dev"
OTHER = "arn:aws:iam::210987654321:role/other"
DEV = "[profile dev]\n"
ROLE_PROFILE = f"[profile role]\nrole_arn = {ROLE}\nsource_profile = dev\n"
HOUR = 3600


class Planner:
    """Plans from the text of a config file, with alice's key enrolled as `dev`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.index = Index(str(directory / "index"))
        self.enrol()

    def enrol(
        self, *, mfa_serials: tuple[str, ...] = (SERIAL,), user_arn: str = USER, key_id: str = KEY_ID
    ) -> None:
        """Enrol the key, in place of the one before."""
        self.index.enrol(
            Enrolment(
                name="dev",
                access_key_id=key_id,
                user_arn=user_arn,
                mfa_serials=mfa_serials,
                keystore="system",
                keystore_file="",
                added=0,
            )
        )

    def __call__(
        self,
        text: str = DEV + ROLE_PROFILE,
        name: str = "role",
        environ: dict[str, str] | None = None,
        **options: Any,  # noqa: ANN401  # those of Options
    ) -> Plan:
        """Return the plan for `name`."""
        (self.directory / "config").write_text(text)
        files = {
            "AWS_CONFIG_FILE": str(self.directory / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.directory / "credentials"),
        }
        given_environ = files | (environ or {})
        asked = Options(**options)
        return make_plan(Config.load(given_environ), self.index, name, asked, given_environ)


@pytest.fixture
def plan(tmp_path: Path) -> Planner:
    """Return what plans."""
    return Planner(tmp_path)


def assumed(arn: str = ROLE, duration: int = HOUR, serials: tuple[str, ...] = ()) -> AssumeRole:
    return AssumeRole(arn, "alice", external_id=None, duration=duration, mfa_serials=serials)


# ---- which calls -------------------------------------------------------------------------------------


def test_a_role_is_reached_through_a_shared_mfa_session(plan: Planner) -> None:
    made = plan()
    assert made.requests == (GetSessionToken((SERIAL,), 12 * HOUR), assumed())
    assert (made.profile.name, made.signer.name, made.capped) == ("role", "dev", False)
    assert [request.label for request in made.requests] == ["mfa", ROLE]
    assert made.account_id == "123456789012"


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ("", {"direct": True}),
        ("vaultpy_mfa = direct\n", {}),
        ("duration_seconds = 7200\n", {}),
        ("", {"duration": 7200}),
        ("vaultpy_mfa = shared\n", {"direct": True, "duration": 7200}),
    ],
)
def test_a_direct_plan_has_the_code_on_the_role_itself(
    plan: Planner, more: str, options: dict[str, Any]
) -> None:
    (request,) = plan(DEV + ROLE_PROFILE + more, **options).requests
    assert request.mfa_serials == (SERIAL,)
    assert request.duration in {HOUR, 7200}


def test_shared_caps_a_role_at_an_hour_and_says_so(plan: Planner) -> None:
    text = DEV + ROLE_PROFILE + "duration_seconds = 7200\nvaultpy_mfa = shared\n"
    made = plan(text)
    assert made.requests[1] == assumed()
    assert made.capped
    assert plan(text, duration=43200).capped
    assert not plan(text, duration=HOUR).capped


def test_the_beginning_of_a_plan_is_its_first_call_which_nothing_cuts_short(plan: Planner) -> None:
    whole = plan(DEV + ROLE_PROFILE + "duration_seconds = 7200\nvaultpy_mfa = shared\n")
    assert whole.capped
    assert whole.beginning().requests == whole.requests[:1]
    assert not whole.beginning().capped


def test_a_chain_is_walked_from_its_end_and_capped_after_the_first_role(plan: Planner) -> None:
    chain = f"[profile far]\nrole_arn = {OTHER}\nsource_profile = role\nduration_seconds = 7200\n"
    shared = plan(DEV + ROLE_PROFILE + chain, "far")
    assert shared.requests == (GetSessionToken((SERIAL,), 12 * HOUR), assumed(), assumed(OTHER))
    assert shared.capped

    long = ROLE_PROFILE + "duration_seconds = 7200\n"
    direct = plan(DEV + long + chain, "far", direct=True)
    assert direct.requests == (assumed(ROLE, 7200, (SERIAL,)), assumed(OTHER))
    assert direct.capped
    assert plan(DEV + long + chain, "far", duration=900).requests[-1].duration == 900


def test_a_profile_without_a_role_is_the_mfa_session(plan: Planner) -> None:
    assert plan(name="dev").requests == (GetSessionToken((SERIAL,), 12 * HOUR),)
    assert plan(DEV + "vaultpy_session_duration = 8h\n", "dev").requests[0].duration == 8 * HOUR
    assert plan(name="dev", duration=36 * HOUR).requests[0].duration == 36 * HOUR


def test_without_a_device_there_is_no_code(plan: Planner) -> None:
    plan.enrol(mfa_serials=())
    assert plan().requests == (assumed(),)
    assert plan(duration=7200).requests == (assumed(duration=7200),)
    assert plan(name="dev").requests == (GetSessionToken((), 12 * HOUR),)


def test_a_role_carries_what_its_profile_says(plan: Planner) -> None:
    made = plan(DEV + ROLE_PROFILE + "external_id = ticket-7\nrole_session_name = ci\n")
    assert made.requests[1] == AssumeRole(ROLE, "ci", external_id="ticket-7", duration=HOUR)


@pytest.mark.parametrize(
    ("user_arn", "name"),
    [
        (USER, "alice"),
        ("arn:aws:iam::1:user/a", "a-vaultpy"),
        ("arn:aws:iam::1:user/zo\xe9 smith", "zo--smith"),
        ("arn:aws:iam::1:user/" + "x" * 70, "x" * 64),
        ("arn:aws:iam::1:user/a.b+c=d,e@f_g-h", "a.b+c=d,e@f_g-h"),
        ("", "dev"),
    ],
)
def test_a_role_s_session_is_named_after_the_user(plan: Planner, user_arn: str, name: str) -> None:
    plan.enrol(user_arn=user_arn)
    request = plan().requests[1]
    assert isinstance(request, AssumeRole)
    assert request.session_name == name


# ---- which MFA serial --------------------------------------------------------------------------------


def serials(plan: Planner, *, without: int, several: bool = False) -> tuple[str, ...]:
    """Return the serials of a plan where all the places but the first `without` name one."""
    key = "vaultpy_mfa_serials" if several else "mfa_serial"
    places = ["option", "variable", "profile", "included", "middle", "source", "index"]
    named = places[without:]

    def line(place: str) -> str:
        return f"{key} = {place}-serial\n" if place in named else ""

    text = (
        f"[profile dev]\n{line('source')}"
        f"[profile middle]\nrole_arn = {OTHER}\nsource_profile = dev\n{line('middle')}"
        f"[profile more]\n{line('included')}"
        f"[profile role]\nrole_arn = {ROLE}\nsource_profile = middle\n"
        f"include_profile = more\n{line('profile')}"
    )
    plan.enrol(mfa_serials=("index-serial",) if "index" in named else ())
    environ = {"AWS_MFA_SERIAL": "variable-serial"} if "variable" in named else {}
    option = "option-serial" if "option" in named else None
    return plan(text, environ=environ, mfa_serial=option).requests[0].mfa_serials


@pytest.mark.parametrize("several", [False, True])
def test_the_nearest_mfa_serial_wins(plan: Planner, several: bool) -> None:  # noqa: FBT001  # a parameter
    found = [serials(plan, without=count, several=several) for count in range(8)]
    assert found == [
        ("option-serial",),
        ("variable-serial",),
        ("profile-serial",),
        ("included-serial",),
        ("middle-serial",),
        ("source-serial",),
        ("index-serial",),
        (),
    ]


def test_the_default_section_s_serial_comes_before_the_source_profile_s(plan: Planner) -> None:
    text = f"[default]\nmfa_serial = default-serial\n{DEV}mfa_serial = source-serial\n{ROLE_PROFILE}"
    assert plan(text).requests[0].mfa_serials == ("default-serial",)


def test_a_variable_that_is_no_mfa_serial_is_refused_before_anything_is_asked(plan: Planner) -> None:
    with pytest.raises(errors.BadVariable, match="AWS_MFA_SERIAL = my key is not an MFA device's ARN"):
        plan(environ={"AWS_MFA_SERIAL": "my key"})


def test_several_serials_may_be_named(plan: Planner) -> None:
    text = DEV + "vaultpy_mfa_serials = serial-one, serial-two\nmfa_serial = GAHT12345678\n" + ROLE_PROFILE
    assert plan(text).requests[0].mfa_serials == ("serial-one", "serial-two")


# ---- which STS ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partition", "default", "source", "target", "region"),
    [
        ("aws", "", "eu-west-1", "eu-west-2", "eu-west-1"),
        ("aws", "", "", "eu-west-2", "eu-west-2"),
        ("aws", "", "", "", "us-east-1"),
        ("aws", "ap-east-1", "", "eu-west-2", "ap-east-1"),
        ("aws", "cn-north-1", "", "", "us-east-1"),
        ("aws", "us-gov-west-1", "", "eu-west-2", "eu-west-2"),
        ("aws-cn", "", "", "", "cn-north-1"),
        ("aws-cn", "us-east-1", "", "", "cn-north-1"),
        ("aws-cn", "", "us-east-1", "cn-northwest-1", "cn-northwest-1"),
        ("aws-us-gov", "", "", "", "us-gov-west-1"),
        ("aws-us-gov", "us-east-1", "us-gov-east-1", "", "us-gov-east-1"),
        ("aws-eusc", "eu-central-1", "", "", "eusc-de-east-1"),
    ],
)
def test_sts_is_asked_in_a_region_of_the_role_s_partition(  # noqa: PLR0913, PLR0917  # the table's columns
    plan: Planner, partition: str, default: str, source: str, target: str, region: str
) -> None:
    def line(value: str) -> str:
        return f"region = {value}\n" if value else ""

    role = ROLE_PROFILE.replace("arn:aws:", f"arn:{partition}:")
    made = plan(f"[default]\n{line(default)}{DEV}{line(source)}{role}{line(target)}")
    assert made.region == region


def test_a_user_s_own_partition_counts_where_there_is_no_role(plan: Planner) -> None:
    plan.enrol(user_arn=USER.replace("arn:aws:", "arn:aws-cn:"))
    assert plan(name="dev").region == "cn-north-1"
    plan.enrol(user_arn="")
    assert plan(name="dev").region == "us-east-1"


def test_the_child_s_region_is_another_matter(plan: Planner) -> None:
    text = DEV + "region = eu-west-1\n" + ROLE_PROFILE + "region = eu-west-2\n"
    environ = {"AWS_REGION": "ap-east-1"}
    made = plan(text, environ=environ)
    assert made.region == "eu-west-1"
    assert made.child_region(environ) == "ap-east-1"
    assert made.child_region({"AWS_DEFAULT_REGION": "us-west-1"}) == "us-west-1"
    assert made.child_region({}) == "eu-west-2"


def test_the_endpoint_is_the_source_profile_s(plan: Planner) -> None:
    text = DEV + "endpoint_url = https://source.example\n" + ROLE_PROFILE
    assert plan(text + "endpoint_url = https://target.example\n").endpoint_url == "https://source.example"
    assert plan().endpoint_url is None


# ---- what cannot be planned --------------------------------------------------------------------------


def test_a_source_that_is_not_enrolled_is_named(plan: Planner) -> None:
    with pytest.raises(errors.NotEnrolled, match="no access key is enrolled for other"):
        plan(ROLE_PROFILE.replace("dev", "other") + "[profile other]\n")


def test_a_source_profile_without_a_role_lends_nobody_s_key(plan: Planner) -> None:
    with pytest.raises(errors.NotEnrolled, match="no access key is enrolled for other"):
        plan("[profile other]\nsource_profile = dev\n" + DEV, "other")


@pytest.mark.parametrize("seconds", [60, 899, 43201, 10**9])
def test_a_role_s_duration_beyond_aws_s_limits_is_refused_before_anything_is_asked(
    plan: Planner, seconds: int
) -> None:
    with pytest.raises(
        errors.DurationRefused, match=f"{seconds} s is not between 900 s and 43200 s"
    ) as caught:
        plan(duration=seconds)
    assert "--duration 1h" in caught.value.hint


@pytest.mark.parametrize("seconds", [899, 129601])
def test_so_is_an_mfa_session_s(plan: Planner, seconds: int) -> None:
    with pytest.raises(errors.DurationRefused, match="and 129600 s"):
        plan(name="dev", duration=seconds)
    with pytest.raises(errors.BadConfigValue, match="is not a duration from 15m to 36h"):
        plan(DEV + f"vaultpy_session_duration = {seconds}\n" + ROLE_PROFILE)


# ---- questions ---------------------------------------------------------------------------------------


def test_shared_and_direct_plans_ask_the_same_question_of_a_role(plan: Planner) -> None:
    shared, direct = plan(), plan(direct=True)
    assert shared.question(2) == direct.question(1)
    assert shared.question(1) != direct.question(1)


def test_any_mfa_session_of_the_key_answers_the_same_question(plan: Planner) -> None:
    text = (
        DEV + "vaultpy_session_duration = 1h\nregion = eu-west-1\nmfa_serial = GAHT12345678\n" + ROLE_PROFILE
    )
    one, other = plan(), plan(text)
    assert one.question(1) == other.question(1) == one.mfa_session_question()
    plan.enrol(mfa_serials=())
    without = plan(name="dev")
    assert without.question(1) != one.question(1)
    assert without.mfa_session_question() == one.question(1)


def test_another_key_or_endpoint_is_another_question(plan: Planner) -> None:
    one = plan()
    elsewhere = plan(environ={"AWS_ENDPOINT_URL_STS": "http://localhost:1"})
    plan.enrol(key_id="AKIAOTHER12345678901")
    questions = [made.question(count) for made in (one, elsewhere, plan()) for count in (1, 2)]
    assert len(set(questions)) == 6


NASTY = st.text("ab\t\n'\"\\% =", min_size=1, max_size=4)
CARRIED = st.builds(
    Carried,
    st.lists(st.tuples(NASTY, NASTY), max_size=2, unique_by=lambda pair: pair[0]).map(tuple),
    st.lists(NASTY, max_size=1).map(tuple),
    st.none() | NASTY,
).filter(lambda carried: bool(carried.tags) or not carried.transitive_tags)
ROLES = st.builds(
    lambda arn, name, external_id, carried: AssumeRole(
        arn, name, external_id=external_id, duration=HOUR, carried=carried
    ),
    NASTY,
    NASTY,
    st.none() | st.just("None") | NASTY,
    st.just(Carried()) | CARRIED,
)
CHAINS = st.tuples(NASTY, st.none() | NASTY, st.booleans(), st.lists(ROLES, max_size=3))


def asked(chain: tuple[str, str | None, bool, list[AssumeRole]]) -> tuple[Plan | None, object]:
    """Return a plan, and what makes its last session what it is."""
    key_id, url, shared, roles = chain
    requests = ([GetSessionToken((SERIAL,), HOUR)] if shared or not roles else []) + roles
    enrolment = Enrolment(
        name="dev",
        access_key_id=key_id,
        user_arn=USER,
        mfa_serials=(),
        keystore="",
        keystore_file="",
        added=0,
    )
    made = Plan(
        None,  # type: ignore[arg-type]  # a question does not depend on the profile
        Signer(enrolment),
        tuple(requests),
        region="",
        endpoint_url=url,
        capped=False,
    )
    return made, (key_id, url, [_meaning(role) for role in roles])


def _meaning(role: AssumeRole) -> tuple[object, ...]:
    carried = role.carried
    tags = frozenset(carried.tags), frozenset(carried.transitive_tags), carried.source_identity
    return role.role_arn, role.session_name, role.external_id, *tags


@given(CHAINS, CHAINS)
@example(
    ("key", None, False, [AssumeRole(ROLE, "ci", external_id=None, duration=HOUR)]),
    ("key", None, False, [AssumeRole(ROLE, "ci", external_id="None", duration=HOUR)]),
)
@examples(100)
def test_two_sessions_share_a_question_only_if_they_are_the_same(
    one: tuple[str, str | None, bool, list[AssumeRole]], other: tuple[str, str | None, bool, list[AssumeRole]]
) -> None:
    questions, meanings = [], []
    for chain in (one, other):
        made, meaning = asked(chain)
        assert made is not None
        questions.append(made.question(len(made.requests)))
        meanings.append(meaning)
    assert (questions[0] == questions[1]) == (meanings[0] == meanings[1])


SERIALS = st.sampled_from(["", SERIAL, "GAHT87654321"])
SECONDS = st.sampled_from(["", "900", "3600", "3601", "7200", "43200"])
PROFILES = st.lists(
    st.tuples(SECONDS, st.sampled_from(["", "shared", "direct"]), SERIALS),
    max_size=4,
)


@given(
    PROFILES,
    st.booleans(),
    st.none() | st.sampled_from([900, 3600, 3601, 43200]),
    st.none() | st.sampled_from([60, 3600, 3601, 43200]),
    st.sampled_from([(), (SERIAL,), (SERIAL, "GAHT12345678")]),
    st.sampled_from(["", "900", "36h"]),
    st.sampled_from(["dev", "sdk", "elsewhere"]),
)
@examples(100)
def test_every_plan_keeps_within_aws_s_limits_and_takes_one_code_at_most(  # noqa: PLR0913, PLR0917  # its inputs
    plan: Planner,
    profiles: list[tuple[str, str, str]],
    direct: bool,  # noqa: FBT001  # a generated value
    duration: int | None,
    min_ttl: int | None,
    mfa_serials: tuple[str, ...],
    session_duration: str,
    source: str,
) -> None:
    plan.enrol(mfa_serials=mfa_serials)
    text = f"[profile dev]\nvaultpy_session_duration = {session_duration}\n"
    text += "[profile sdk]\ncredential_process = vaultpy credential-process dev\n"
    text += "[profile elsewhere]\ncredential_process = other\n"
    name = source
    for number, (seconds, mode, serial) in enumerate(profiles):
        text += f"[profile role{number}]\nrole_arn = {ROLE}{number}\nsource_profile = {name}\n"
        text += f"duration_seconds = {seconds}\nvaultpy_mfa = {mode}\nmfa_serial = {serial}\n"
        name = f"role{number}"
    try:
        made = plan(text, name, direct=direct, duration=duration, min_ttl=min_ttl)
    except errors.SourceDecides:
        assert source == "elsewhere"
        assert not profiles
        return
    except errors.MinTtlUnreachable:
        assert profiles
        assert (min_ttl or 0) > HOUR
        return

    assert sum(bool(request.mfa_serials) for request in made.requests) <= 1
    assert not any(request.mfa_serials for request in made.requests[1:])
    assert not any(isinstance(request, GetSessionToken) for request in made.requests[1:])
    by_session = made.requests if source == "elsewhere" else made.requests[1:]
    assert all(900 <= request.duration <= HOUR for request in by_session)
    for request in made.requests[:1]:
        assert 900 <= request.duration <= (129600 if isinstance(request, GetSessionToken) else 43200)
    roles = [request for request in made.requests if isinstance(request, AssumeRole)]
    assert len(roles) == len(profiles)
    assert len(made.requests) - len(roles) <= (source != "elsewhere")
    if not made.requests:
        return
    assert made.requests[-1].duration >= (min_ttl or 0)
    wanted = [int(seconds or HOUR) for seconds, _, _ in profiles]
    if profiles:
        wanted[-1] = max(duration or wanted[-1], min_ttl or 0)
    assert made.capped == (bool(roles) and wanted[-1] != roles[-1].duration)


# ---- a role without a profile -----------------------------------------------------------------------


def test_a_role_without_a_profile_is_assumed_by_the_profiles_user(plan: Planner) -> None:
    made = plan(name="dev", role=OTHER)
    assert made.requests == (GetSessionToken((SERIAL,), 12 * HOUR), assumed(OTHER))
    assert made.account_id == "210987654321"
    assert made.profile.name == "dev"


def test_the_name_of_a_role_is_one_in_the_users_account(plan: Planner) -> None:
    assert plan(name="dev", role="dev").question(2) == plan().question(2)
    assert plan(name="dev", role="team/ops").requests[1].label == "arn:aws:iam::123456789012:role/team/ops"
    plan.enrol(user_arn="arn:aws-cn:iam::123456789012:user/alice")
    assert plan(name="dev", role="dev").requests[1].label == "arn:aws-cn:iam::123456789012:role/dev"


def test_what_is_no_role_and_a_profile_that_has_one_are_refused(plan: Planner) -> None:
    for wrong in ("a b", "arn:aws:iam::123456789012:user/x", "x" * 65):
        with pytest.raises(errors.RoleUnplaced, match="is not the ARN of a role"):
            plan(name="dev", role=wrong)
    with pytest.raises(errors.RoleTwice, match="role has a role of its own") as caught:
        plan(role="dev")
    assert caught.value.hint.endswith(": vaultpy exec dev --role dev")
    plan.enrol(user_arn="")
    with pytest.raises(errors.RoleUnplaced):
        plan(name="dev", role="dev")


# ---- how long ---------------------------------------------------------------------------------------


def test_the_mfa_sessions_duration_can_be_asked_for(plan: Planner) -> None:
    assert plan(session_duration=7200).requests[0] == GetSessionToken((SERIAL,), 7200)
    assert plan(name="dev", session_duration=7200).requests == (GetSessionToken((SERIAL,), 7200),)
    with pytest.raises(errors.DurationRefused):
        plan(session_duration=129601)


@pytest.mark.parametrize(("min_ttl", "asked_for"), [(600, HOUR), (HOUR, HOUR), (7200, 7200), (43200, 43200)])
def test_what_must_be_left_raises_what_is_asked_for(plan: Planner, min_ttl: int, asked_for: int) -> None:
    made = plan(min_ttl=min_ttl)
    assert made.requests[-1].duration == asked_for
    assert made.min_ttl == min_ttl
    assert bool(made.requests[-1].mfa_serials) == (min_ttl > HOUR)


def test_an_mfa_session_is_asked_for_as_long_as_it_must_last(plan: Planner) -> None:
    assert plan(name="dev", min_ttl=20 * HOUR).requests[0].duration == 20 * HOUR
    assert plan(name="dev", min_ttl=HOUR).requests[0].duration == 12 * HOUR


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ROLE_PROFILE + "vaultpy_mfa = shared\n", "role"),
        (f"{ROLE_PROFILE}[profile far]\nrole_arn = {OTHER}\nsource_profile = role\n", "far"),
        (
            f"[profile far]\nrole_arn = {OTHER}\nsource_profile = x\n[profile x]\ncredential_process = x\n",
            "far",
        ),
    ],
)
def test_what_no_session_gives_is_refused_before_anything_is_asked(
    plan: Planner, text: str, name: str
) -> None:
    with pytest.raises(errors.MinTtlUnreachable, match="1h 00m cannot be had"):
        plan(DEV + text, name, min_ttl=HOUR + 1)
    assert plan(DEV + text, name, min_ttl=HOUR).requests[-1].duration == HOUR


# ---- sources that are not enrolled ------------------------------------------------------------------


def test_roles_from_temporary_credentials_take_no_code_and_last_an_hour(plan: Planner) -> None:
    text = f"[profile far]\nrole_arn = {OTHER}\nsource_profile = sso\nduration_seconds = 7200\n"
    made = plan(text + f"mfa_serial = {SERIAL}\n[profile sso]\ncredential_process = x\n", "far")
    assert made.requests == (AssumeRole(OTHER, "sso", external_id=None, duration=HOUR),)
    assert made.capped


def test_a_long_term_key_in_a_file_gets_an_mfa_session_as_an_enrolled_one_does(plan: Planner) -> None:
    (plan.directory / "credentials").write_text(
        "[other]\naws_access_key_id = AKIAX\naws_secret_access_key = s"
    )
    text = ROLE_PROFILE.replace("= dev", "= other") + f"[profile other]\nmfa_serial = {SERIAL}\n"
    made = plan(text)
    assert made.requests[0] == GetSessionToken((SERIAL,), 12 * HOUR)
    assert "AKIAX" in made.question(1)
    assert made.question(1) != plan().question(1)


def test_temporary_credentials_without_a_role_need_no_call(plan: Planner) -> None:
    made = plan("[profile sso]\ncredential_process = x\n", "sso")
    assert (made.requests, made.capped) == ((), False)
    with pytest.raises(errors.SourceDecides, match="for their source to say"):
        plan("[profile sso]\ncredential_process = x\n", "sso", duration=7200)


def test_the_role_of_a_web_identity_is_not_assumed_again(plan: Planner) -> None:
    web = f"[profile web]\nrole_arn = {ROLE}\nweb_identity_token_file = t\n"
    assert plan(web, "web").requests == ()
    assert [request.label for request in plan(web, "web", role=OTHER).requests] == [OTHER]
    far = f"[profile far]\nrole_arn = {OTHER}\nsource_profile = web\n"
    assert [request.label for request in plan(web + far, "far").requests] == [OTHER]
    with pytest.raises(errors.RoleTwice):
        plan(web + far, "far", role=ROLE)


def test_an_enrolled_name_is_its_key_whatever_else_the_profile_says(plan: Planner) -> None:
    made = plan(DEV + "credential_process = x\n" + ROLE_PROFILE)
    assert made.signer.enrolment is not None
    assert made.question(2) == plan().question(2)


def test_a_profile_that_asks_vaultpy_is_followed(plan: Planner) -> None:
    text = DEV + ROLE_PROFILE + "[profile sdk]\ncredential_process = vaultpy credential-process role\n"
    assert plan(text, "sdk").requests == plan().requests
    assert plan(text, "sdk").profile.name == "sdk"
    far = f"[profile far]\nrole_arn = {OTHER}\nsource_profile = sdk\n"
    assert plan(text + far, "far").requests == (*plan().requests, assumed(OTHER))


def test_what_is_asked_of_a_followed_profile_is_asked_of_its_role(plan: Planner) -> None:
    text = DEV + ROLE_PROFILE + "vaultpy_account = mine\nvaultpy_yubikey = 999\n"
    text += "[profile sdk]\ncredential_process = vaultpy credential-process role\nvaultpy_yubikey = 1\n"
    made = plan(text, "sdk", {"AWS_SESSION_TAGS": "team=blue", "AWS_SOURCE_IDENTITY": "alice"})
    request = made.requests[-1]
    assert isinstance(request, AssumeRole)
    assert request.carried == Carried((("team", "blue"),), (), "alice")
    assert (made.profile.vaultpy_account, made.profile.vaultpy_yubikey) == ("mine", "1")


def test_it_is_followed_once(plan: Planner) -> None:
    asks = "credential_process = vaultpy credential-process"
    text = f"[profile a]\n{asks} b\n[profile b]\n{asks} role\n"
    with pytest.raises(errors.ProfileCycle, match="credential_process goes in a circle: a -> b -> role"):
        plan(DEV + ROLE_PROFILE + text, "a")


# ---- what a session carries -------------------------------------------------------------------------


def test_a_role_session_carries_tags_and_an_identity_as_aws_vault_has_them(plan: Planner) -> None:
    text = "session_tags = team = blue , cost=a=b\ntransitive_session_tags = Team\nsource_identity = alice\n"
    request = plan(DEV + ROLE_PROFILE + text).requests[1]
    assert isinstance(request, AssumeRole)
    assert request.carried == Carried((("team", "blue"), ("cost", "a=b")), ("Team",), "alice")


def test_variables_win_and_are_for_the_profile_that_is_asked_for(plan: Planner) -> None:
    text = DEV + ROLE_PROFILE + "session_tags = a=1\n"
    text += f"[profile far]\nrole_arn = {OTHER}\nsource_profile = role\nsession_tags = a=2\n"
    variables = {"AWS_SESSION_TAGS": "b=3", "AWS_TRANSITIVE_TAGS": "b", "AWS_SOURCE_IDENTITY": "bob"}
    _, first, last = plan(text, "far", variables).requests
    assert isinstance(first, AssumeRole)
    assert isinstance(last, AssumeRole)
    assert first.carried == Carried((("a", "1"),))
    assert last.carried == Carried((("b", "3"),), ("b",), "bob")


@pytest.mark.parametrize(
    "wrong",
    [
        "session_tags = =x",
        "session_tags = team",
        "session_tags = aws:x=1",
        "session_tags = a=1,A=2",
        "session_tags = a=<b>",
        "session_tags = " + ",".join(f"k{number}=v" for number in range(51)),
        "session_tags = " + "k" * 129 + "=v",
        "session_tags = k=" + "v" * 257,
        "transitive_session_tags = a",
        "source_identity = x",
    ],
)
def test_what_aws_would_not_take_is_refused_and_named(plan: Planner, wrong: str) -> None:
    with pytest.raises(errors.BadConfigValue, match=wrong.partition(" ")[0]):
        plan(DEV + ROLE_PROFILE + wrong)
    variables = {
        "session_tags": "AWS_SESSION_TAGS",
        "transitive_session_tags": "AWS_TRANSITIVE_TAGS",
        "source_identity": "AWS_SOURCE_IDENTITY",
    }
    key, _, value = wrong.partition(" = ")
    with pytest.raises(errors.BadVariable, match=variables[key]):
        plan(environ={variables[key]: value})


def test_what_a_session_carries_is_part_of_its_question(plan: Planner) -> None:
    texts = ["", "session_tags = a=1", "session_tags = a=2", "source_identity = alice"]
    texts += ["session_tags = a=1,b=2", "session_tags = a=1\ntransitive_session_tags = a"]
    questions = [plan(DEV + ROLE_PROFILE + text).question(2) for text in texts]
    assert len(set(questions)) == len(texts)
    assert plan(DEV + ROLE_PROFILE + "session_tags = b=2,a=1").question(2) == questions[4]
