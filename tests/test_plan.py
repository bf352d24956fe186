"""From a profile to the calls that lead to its credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vaultpy import errors
from vaultpy.config import Config
from vaultpy.index import Index
from vaultpy.plan import Options, Plan, make_plan
from vaultpy.records import Enrolment
from vaultpy.sts_requests import AssumeRole, GetSessionToken

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
    assert (made.profile.name, made.enrolment.name, made.capped) == ("role", "dev", False)
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


def test_credentials_from_elsewhere_are_not_served(plan: Planner) -> None:
    text = ROLE_PROFILE.replace("= dev", "= other") + "[profile other]\ncredential_process = x\n"
    with pytest.raises(errors.UnsupportedSource, match="other takes its credentials from credential_process"):
        plan(text)


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
ROLES = st.builds(
    lambda arn, name, external_id: AssumeRole(arn, name, external_id=external_id, duration=HOUR),
    NASTY,
    NASTY,
    st.none() | st.just("None") | NASTY,
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
        enrolment,
        tuple(requests),
        region="",
        endpoint_url=url,
        capped=False,
    )
    return made, (key_id, url, [(role.role_arn, role.session_name, role.external_id) for role in roles])


@given(CHAINS, CHAINS)
@example(
    ("key", None, False, [AssumeRole(ROLE, "ci", external_id=None, duration=HOUR)]),
    ("key", None, False, [AssumeRole(ROLE, "ci", external_id="None", duration=HOUR)]),
)
@settings(max_examples=400)
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
    st.sampled_from([(), (SERIAL,), (SERIAL, "GAHT12345678")]),
    st.sampled_from(["", "900", "36h"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_every_plan_keeps_within_aws_s_limits_and_takes_one_code_at_most(  # noqa: PLR0913, PLR0917  # its inputs
    plan: Planner,
    profiles: list[tuple[str, str, str]],
    direct: bool,  # noqa: FBT001  # a generated value
    duration: int | None,
    mfa_serials: tuple[str, ...],
    session_duration: str,
) -> None:
    plan.enrol(mfa_serials=mfa_serials)
    text, name = f"[profile dev]\nvaultpy_session_duration = {session_duration}\n", "dev"
    for number, (seconds, mode, serial) in enumerate(profiles):
        text += f"[profile role{number}]\nrole_arn = {ROLE}{number}\nsource_profile = {name}\n"
        text += f"duration_seconds = {seconds}\nvaultpy_mfa = {mode}\nmfa_serial = {serial}\n"
        name = f"role{number}"
    made = plan(text, name, direct=direct, duration=duration)

    first, *later = made.requests
    assert not any(request.mfa_serials for request in later)
    assert not any(isinstance(request, GetSessionToken) for request in later)
    assert all(900 <= request.duration <= HOUR for request in later)
    assert 900 <= first.duration <= (129600 if isinstance(first, GetSessionToken) else 43200)
    assert len(made.requests) - isinstance(first, GetSessionToken) == len(profiles)
    wanted = [int(seconds or HOUR) for seconds, _, _ in profiles]
    if profiles:
        wanted[-1] = duration or wanted[-1]
    given_seconds = [request.duration for request in made.requests if isinstance(request, AssumeRole)]
    assert made.capped == (wanted != given_seconds)
