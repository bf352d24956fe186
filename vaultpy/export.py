"""What `export` does: the variables of `exec`'s command, or the credentials, as a text to be read."""

from __future__ import annotations

from vaultpy import credentials_json, formats
from vaultpy.credentials import Credentials
from vaultpy.environment import BEARER_TOKENS, MISLEADING
from vaultpy.errors import UsageError
from vaultpy.execution import asked, obtain
from vaultpy.handover import environment_for
from vaultpy.plan import make_plan
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.plan import Plan
    from vaultpy.wiring import Wiring

VERB = "export"
USUAL = "env"
FORMATS = (*formats.SHELLS, "dotenv", "ini", "json")

_NONE_YET = Credentials("", Secret(""), Secret(""), 0)


def export(run: Wiring, profile: str, options: Mapping[str, str]) -> str:
    """Return the credentials of `profile` in the wanted format, as whole lines.

    `options` are those of `argv.EXPORT_FLAGS` and `argv.EXPORT_VALUES`, by their long names. Raises what
    stands in the way; UsageError and Unexportable, and what else can be known before a touch, before it.
    """
    format_name = wanted_format(options)
    plan = make_plan(run.config, run.index, profile, asked(options, VERB), run.environ)
    settings = run.config.child_settings(plan.profile)
    region = options.get("--region") or plan.child_region(run.environ)

    def text(credentials: Credentials) -> str:
        return _text(format_name, plan, credentials, region, settings, run.environ)

    text(_NONE_YET)  # raises before a touch what it would raise after it
    return text(obtain(run, plan, options))


def wanted_format(options: Mapping[str, str]) -> str:
    """Return the format that the options want; raises UsageError unless it is one of `FORMATS`."""
    name = options.get("--format", USUAL)
    if name not in FORMATS:
        problem = f"--format {name} is none of {', '.join(FORMATS)}"
        raise UsageError(problem=problem, command=VERB)
    return name


def how_to_use(format_name: str, profile: str) -> str:
    """Return the words that lead the text into its reader without showing it."""
    from shlex import quote

    words = f"vaultpy export --format {format_name} {quote(profile)}"
    return {
        "env": f'read it unseen: eval "$({words})"',
        "fish": f"read it unseen: {words} | source",
        "powershell": f"read it unseen: {words} | Out-String | Invoke-Expression",
    }.get(format_name, f"lead it unseen to where it is read: {words} | ...")


def _text(  # noqa: PLR0913, PLR0917  # what a text may hold
    format_name: str,
    plan: Plan,
    credentials: Credentials,
    region: str | None,
    settings: Mapping[str, str],
    environ: Mapping[str, str],
) -> str:
    name = plan.profile.name
    if format_name == "json":
        return credentials_json.render(credentials, plan.account_id) + "\n"
    if format_name == "ini":
        return formats.ini_section(name, credentials, region)
    # Out of an empty environment: what the shell has already, it keeps.
    values = environment_for(plan, credentials, settings, {}, region)
    if format_name == "dotenv":
        return formats.dotenv(name, values)
    tokens = {variable for variable in environ if variable.startswith(BEARER_TOKENS)}
    return formats.shell_script(format_name, name, values, sorted((MISLEADING | tokens) - set(values)))
