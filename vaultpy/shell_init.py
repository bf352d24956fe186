"""What `shell-init` prints: `assume-role` and completion for bash, zsh or fish, and what these ask back for.

The function takes `vaultpy export`'s lines, remembers what each of their variables was before, and runs them.
Secrets pass through the shell's own variables alone: no command line, no history, no here-document, which
older shells write into a file; tracing (`set -x`) is off meanwhile.
"""

from __future__ import annotations

import time

from vaultpy.credentials import parse_expiration
from vaultpy.errors import UsageError
from vaultpy.profile import is_line
from vaultpy.text import printable, show_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from vaultpy.ledger import Ledger
    from vaultpy.run_inputs import RunInputs

    class Run(RunInputs, Protocol):
        """The objects of one run."""

        @property
        def ledger(self) -> Ledger: ...  # noqa: D102


VERB = "shell-init"
PROFILES = "profiles"
"""What completion asks for, instead of a shell."""
LEFT = "left"  # what `assume-role` alone asks for

_BASH_AND_ZSH = r"""
assume-role() {
    @OPENING@
    local __vaultpy_status=0
    __vaultpy_assume "$@" || __vaultpy_status=$?
    @CLOSING@
    return "$__vaultpy_status"
}

__vaultpy_assume() {
    if [ "$#" -eq 0 ]; then
        command vaultpy shell-init left
        return
    fi
    if [ "$1" = --exit ]; then
        if [ -z "${__vaultpy_before-}" ]; then
            echo "vaultpy: error: assume-role has put no role into this shell" >&2
            echo "vaultpy: hint: put one in: assume-role PROFILE" >&2
            return 1
        fi
        eval "$__vaultpy_before"
        unset __vaultpy_before
        return 0
    fi
    local text rest line name value exported before=""
    text=$(eval "${__vaultpy_before-}"; command vaultpy export --format env "$@") || return
    case $text in
        "unset "*) ;;
        *) printf '%s\n' "$text"; return 0 ;;
    esac
    name=$(printf '%s\n' "$text" | while IFS=' =' read -r line name rest; do
        (unset "$name") 2> /dev/null || echo "$name"; done)
    if [ -n "$name" ]; then
        echo "vaultpy: error: assume-role cannot set what is readonly in this shell: ${name//$'\n'/ }" >&2
        echo "vaultpy: hint: start a shell with the role instead: vaultpy exec PROFILE" >&2
        return 1
    fi
    eval "${__vaultpy_before-}"
    rest=$text
    while [ -n "$rest" ]; do
        line=${rest%%$'\n'*}
        rest=${rest#"$line"}; rest=${rest#$'\n'}
        name=${line#* }; name=${name%%=*}
        if eval "[ -z \"\${$name+set}\" ]"; then
            before="${before}unset $name"$'\n'
            continue
        fi
        eval "value=\$$name"
        printf -v value %q "$value"
        if @IS_EXPORTED@; then exported="export "; else exported=""; fi
        before="${before}unset $name; $exported$name=$value"$'\n'
    done
    __vaultpy_before=$before
    eval "$text"
    command vaultpy shell-init left >&2 || true
}
"""

_BASH = {
    # `local -` is bash 4.4's, and macOS has 3.2.
    "@OPENING@": "{ local __vaultpy_options=$-; set +ax; } 2> /dev/null",
    "@CLOSING@": """case $__vaultpy_options in *a*) set -a ;; esac
    case $__vaultpy_options in *x*) set -x ;; esac""",
    "@IS_EXPORTED@": """[[ $(declare -p "$name") == "declare -"*x*" $name="* ]]""",
}
_BASH_COMPLETION = r"""
__vaultpy_complete() {
    local word words firsts
    __vaultpy_join
    [ ${#words[@]} -ne 2 ] || __vaultpy_offer "$2" --exit
}
complete -F __vaultpy_complete assume-role
"""

_ZSH = {
    "@OPENING@": "emulate -L zsh\n    setopt no_xtrace no_all_export",
    "@CLOSING@": "",
    "@IS_EXPORTED@": "[[ ${(tP)name} == *export* ]]",
}
_ZSH_COMPLETION = r"""
__vaultpy_complete() {
    (( CURRENT == 2 )) || return 1
    compadd -- --exit "${(@f)$(command vaultpy shell-init profiles 2> /dev/null)}"
}
if (( $+functions[compdef] )); then compdef __vaultpy_complete assume-role; fi
"""

_FISH = r"""
function assume-role --description 'Put the credentials of a role into this shell'
    if not set -q argv[1]
        command vaultpy shell-init left
        return
    end
    if test "$argv[1]" = --exit
        if not set -q __vaultpy_names
            echo "vaultpy: error: assume-role has put no role into this shell" >&2
            echo "vaultpy: hint: put one in: assume-role PROFILE" >&2
            return 1
        end
        __vaultpy_take_out
        return 0
    end
    set -l text (__vaultpy_export $argv)
    or return
    if not string match -q 'set -eg *' -- $text[1]
        printf '%s\n' $text
        return 0
    end
    __vaultpy_take_out
    for line in $text
        set -l name (string match -rg '^set -[a-z]+ ([A-Za-z0-9_]+)' -- $line)
        set -g -a __vaultpy_names $name
        if set -qgx $name
            set -g -u __vaultpy_exported_$name $$name
        else if set -qg $name
            set -g -u __vaultpy_plain_$name $$name
        end
    end
    for line in $text
        eval $line
    end
    command vaultpy shell-init left >&2
    return 0
end

# The credentials of vaultpy export, asked for as if no role were in.
function __vaultpy_export
    for name in $__vaultpy_names
        if set -q __vaultpy_exported_$name
            set -l kept __vaultpy_exported_$name
            set -f -x $name $$kept
        else
            set -f -u $name
        end
    end
    command vaultpy export --format fish $argv
end

function __vaultpy_take_out
    for name in $__vaultpy_names
        set -eg $name
        set -l exported __vaultpy_exported_$name
        set -l plain __vaultpy_plain_$name
        if set -q $exported
            set -gx $name $$exported
        else if set -q $plain
            set -gu $name $$plain
        end
        set -eg $exported
        set -eg $plain
    end
    set -eg __vaultpy_names
end

complete -c assume-role -f -n 'test (count (commandline -opc)) -eq 1' \
    -a '(command vaultpy shell-init profiles 2> /dev/null)'
complete -c assume-role -f -l exit -d 'Take the role out of this shell'
"""


def _filled(places: Mapping[str, str]) -> str:
    text = _BASH_AND_ZSH
    for place, content in places.items():
        text = text.replace(place, content)
    return text


SHELLS = {
    "bash": _filled(_BASH) + _BASH_COMPLETION,
    "zsh": _filled(_ZSH) + _ZSH_COMPLETION,
    "fish": _FISH,
}


def init(run: Run, shell: str) -> tuple[str, int]:
    """Return what is to be printed, as whole lines, and the exit status; `shell` may be PROFILES or LEFT.

    Raises UsageError for any other that is none of SHELLS.
    """
    if shell == PROFILES:
        return "".join(f"{name}\n" for name in profiles(run)), 0
    if shell == LEFT:
        return left(run.environ, run.ledger.time())
    if shell not in SHELLS:
        problem = f"{shell} is none of {', '.join(SHELLS)}"
        raise UsageError(problem=problem, command=VERB)
    from vaultpy.shell_completion import completion

    return SHELLS[shell].lstrip() + completion(shell), 0


def profiles(run: Run) -> list[str]:
    """Return the names that `export` may know; those that no line can hold are left out."""
    names = [*run.config.names(), *(enrolment.name for enrolment in run.index.enrolments())]
    return [name for name in dict.fromkeys(names) if name and is_line(name)]


def left(environ: Mapping[str, str], now: float) -> tuple[str, int]:
    """Return the line about the credentials in `environ`, and 0 if they are good, else 1."""
    profile = printable(environ.get("VAULTPY", ""))
    if not profile:
        return "no role of vaultpy's is in this shell\n", 1
    try:
        ends = parse_expiration(environ["AWS_CREDENTIAL_EXPIRATION"])
    except (KeyError, ValueError):
        return f"{profile}: nobody knows until when\n", 1
    if ends <= now:
        return f"{profile}: ended\n", 1
    until = time.strftime("%H:%M", time.localtime(ends))
    return f"{profile}: {show_duration(ends - now)} left (until {until})\n", 0
