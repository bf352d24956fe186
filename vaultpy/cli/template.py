"""`vaultpy template`: the IAM side of it all, printed to be deployed; AWS is asked nothing."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import templates
from vaultpy.cli.context import say
from vaultpy.cli.table import columns_of_stdout, table
from vaultpy.cli.verbs import Verbs
from vaultpy.errors import UsageError
from vaultpy.template_output import as_text, names_its_account, policies
from vaultpy.template_resources import DESCRIPTIONS
from vaultpy.template_values import checked, mfa_age, role_session

if TYPE_CHECKING:
    from vaultpy.template_policies import Json


class Format(str, Enum):
    """What is printed."""

    CLOUDFORMATION = "cloudformation"
    POLICIES = "policies"


FormatOption = Annotated[Format, typer.Option("--format", help="A template, or its plain policies by name.")]
Account = Annotated[
    str | None, typer.Option(metavar="ID", help="The account of plain policies; a template finds its own.")
]
Partition = Annotated[str | None, typer.Option(metavar="NAME", help="Their partition; aws without.")]
MaxMfaAge = Annotated[
    str | None, typer.Option(metavar="TIME", help="How long ago MFA may be, 15m to 36h; else any time.")
]
MaxSession = Annotated[str, typer.Option(metavar="TIME", help="The longest session of a role, 1h to 12h.")]
SelfManagement = Annotated[
    bool,
    typer.Option("--no-self-management", help="Users manage no keys or MFA devices: an administrator does."),
]
Groups = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A group that exists and gets it; repeatable.")
]
PolicyName = Annotated[str, typer.Option(metavar="NAME", help="The policy's name.")]

template = typer.Typer(
    cls=Verbs,
    help="Print the IAM set-up that vaultpy's users need, for CloudFormation or as plain policies.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@template.callback(invoke_without_command=True)
def _list(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        for line in table(list(DESCRIPTIONS.items()), columns_of_stdout()):
            say(line)


@template.command("organization")
def organization(  # noqa: PLR0913  # one parameter an option
    *,
    user: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=GROUP,...]", help="A user to make, in Human and more groups; repeatable."
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=POLICY", help="What a role has instead, ARN or AWS's name; repeatable."),
    ] = None,
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="Begins the names of groups and roles.")] = "",
    max_mfa_age: MaxMfaAge = None,
    max_session: MaxSession = "1h",
    no_self_management: SelfManagement = False,
    form: FormatOption = Format.CLOUDFORMATION,
    account: Account = None,
    partition: Partition = None,
) -> None:
    """Make users without rights, groups Human, Engineering, Operations and Administrators, and their roles.

    Example: vaultpy template organization --user alice=Engineering
    """
    made = templates.organization(
        user or [],
        policy or [],
        prefix=prefix,
        max_mfa_age=mfa_age(max_mfa_age),
        max_session=role_session(max_session),
        self_management=not no_self_management,
    )
    _print("organization", made, form, account, partition)


@template.command("cross-account-role")
def cross_account_role(  # noqa: PLR0913  # one parameter an option
    *,
    parent: Annotated[str, typer.Option(metavar="ID", help="The account whose people come.")],
    external_id: Annotated[str, typer.Option(metavar="ID", help="What they have to say.")],
    role: Annotated[str, typer.Option(metavar="NAME", help="The role's name.")],
    from_user: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this user of theirs; repeatable.")
    ] = None,
    from_role: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="This role of theirs, which cannot show MFA; repeatable."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="POLICY", help="What the role has, ARN or AWS's name; else ReadOnlyAccess."),
    ] = None,
    max_mfa_age: MaxMfaAge = None,
    max_session: MaxSession = "1h",
    form: FormatOption = Format.CLOUDFORMATION,
    account: Account = None,
    partition: Partition = None,
) -> None:
    """For a child account: make a role that people of a parent account may assume.

    Example: vaultpy template cross-account-role --parent 123456789012 --external-id 3f9a52d1 --role audit
    """
    made = templates.cross_account_role(
        parent,
        external_id,
        role,
        from_users=from_user or [],
        from_roles=from_role or [],
        policies=policy or [],
        max_mfa_age=mfa_age(max_mfa_age),
        max_session=role_session(max_session),
    )
    _print("cross-account-role", made, form, account, partition)


@template.command("cross-account-group")
def cross_account_group(  # noqa: PLR0913  # one parameter an option
    *,
    child: Annotated[str, typer.Option(metavar="ID", help="The account that the role is in.")],
    role: Annotated[str, typer.Option(metavar="NAME", help="The role's name there.")],
    group: Annotated[str, typer.Option(metavar="NAME", help="The group to make.")],
    form: FormatOption = Format.CLOUDFORMATION,
    account: Account = None,
    partition: Partition = None,
) -> None:
    """For the parent account: make a group whose members may assume a role of a child account.

    Example: vaultpy template cross-account-group --child 210987654321 --role audit --group Auditors
    """
    made = templates.cross_account_group(child, role, group)
    _print("cross-account-group", made, form, account, partition)


@template.command("deny-without-mfa")
def deny_without_mfa(  # noqa: PLR0913  # one parameter an option
    *,
    group: Groups = None,
    name: PolicyName = "vaultpy-deny-without-mfa",
    max_mfa_age: MaxMfaAge = None,
    no_self_management: SelfManagement = False,
    form: FormatOption = Format.CLOUDFORMATION,
    account: Account = None,
    partition: Partition = None,
) -> None:
    """Make a policy for users who work without roles: it denies all but the way to MFA, until there is MFA.

    Example: vaultpy template deny-without-mfa --group Developers
    """
    made = templates.no_work_without_mfa(
        group or [], name, max_mfa_age=mfa_age(max_mfa_age), self_management=not no_self_management
    )
    _print("deny-without-mfa", made, form, account, partition)


@template.command("action-behind-mfa")
def action_behind_mfa(  # noqa: PLR0913  # one parameter an option
    *,
    action: Annotated[
        list[str], typer.Option(metavar="ACTION", help="As in ec2:TerminateInstances; repeatable.")
    ],
    group: Annotated[str, typer.Option(metavar="NAME", help="The group to make.")],
    max_mfa_age: MaxMfaAge = None,
    form: FormatOption = Format.CLOUDFORMATION,
    account: Account = None,
    partition: Partition = None,
) -> None:
    """Make a group that may read everything, and with MFA one action more.

    Example: vaultpy template action-behind-mfa --action ec2:TerminateInstances --group Caretakers
    """
    made = templates.action_behind_mfa(action, group, max_mfa_age=mfa_age(max_mfa_age))
    _print("action-behind-mfa", made, form, account, partition)


@template.command("self-management")
def self_management(
    *,
    group: Groups = None,
    name: PolicyName = "vaultpy-self-management",
    form: FormatOption = Format.CLOUDFORMATION,
    account: Account = None,
    partition: Partition = None,
) -> None:
    """Make a policy by which users look after their own access keys and MFA devices.

    Example: vaultpy template self-management --group Developers
    """
    _print("self-management", templates.self_management_alone(group or [], name), form, account, partition)


def _print(name: str, made: Json, form: Format, account: str | None, partition: str | None) -> None:
    """Print it; raises UsageError where plain policies lack their account, or a template is told one."""
    command = f"template {name}"
    if form is Format.CLOUDFORMATION:
        if account is not None or partition is not None:
            raise UsageError(problem="--account and --partition are for --format policies", command=command)
        shown = made
    else:
        if account is None and names_its_account(made):
            raise UsageError(problem="these policies name their account: add --account ID", command=command)
        at = checked("--account", "account", account) if account is not None else ""
        shown = policies(
            made, at, "aws" if partition is None else checked("--partition", "partition", partition)
        )
    for line in as_text(shown).splitlines():
        say(line)
