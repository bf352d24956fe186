"""Completion of `vaultpy` itself for bash, zsh and fish: a part of what `shell-init` prints.

The commands and their options stand in the script, so nothing is started to complete one; they come from
`commands.tsv`, which `make generate` takes from the command line. Only the names of profiles are asked for.
"""

from __future__ import annotations

import os

_FILE = os.path.join(os.path.dirname(__file__), "commands.tsv")  # noqa: PTH118, PTH120  # shells wait for this

# What bash and zsh have in common. `kind` becomes what the next word is: VERB, PROFILE, CMD (or an option),
# COMMAND (CMD has begun, after `start` words), VALUE of an option, one of several words (a|b), or nothing.
_PARSER = r"""
__vaultpy_parse() {
    local word command="" at=0
    start=0
    __vaultpy_know ""
    while [ $# -gt 0 ]; do
        word=$1
        shift
        at=$((at + 1))
        if [ -n "$verbs" ]; then
            case $word in
                -*) ;;
                *) command="${command:+$command }$word"; __vaultpy_know "$command" || return 0 ;;
            esac
            continue
        fi
        case " $values " in
            *" $word "*)
                if [ $# -eq 0 ]; then kind=VALUE; return 0; fi
                shift
                at=$((at + 1))
                continue ;;
        esac
        case $arguments:$word in
            CMD*:-- | *...\ CMD*:--) start=$at; kind=COMMAND; return 0 ;;
            *:-*) ;;
            CMD*) start=$((at - 1)); kind=COMMAND; return 0 ;;
            *...*:*) ;;
            *)
                arguments=${arguments#"$kind"}
                arguments=${arguments# }
                kind=${arguments%% *} ;;
        esac
    done
    start=$at
}

__vaultpy_know() {
    verbs="" flags="" values="" arguments="" kind=""
    case $1 in
@KNOWN@        *) return 1 ;;
    esac
    kind=${arguments%% *}
    if [ -n "$verbs" ]; then kind=VERB; fi
}
"""

_BASH = r"""
# bash divides words at : @ = too: this joins them to `words`, each of which begins at COMP_WORDS[firsts].
__vaultpy_join() {
    local line=$COMP_LINE part i
    COMPREPLY=() words=() firsts=()
    for ((i = 0; i <= COMP_CWORD; i++)); do part=${COMP_WORDS[i]}
        if [[ $i == 0 || $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"} words+=("$part") firsts+=("$i")
        else
            words[${#words[@]} - 1]+=$part
        fi
        line=${line#"$part"}
    done
    word=${words[${#words[@]} - 1]}
}

# Offers the profiles, and what else is said, for `word`. bash replaces only its end, the first argument.
__vaultpy_offer() {
    local name head=${word%"$1"}; shift
    while IFS= read -r name; do
        printf -v name %q "$name"
        if [[ $name == "$word"* ]]; then COMPREPLY+=("${name#"$head"}"); fi
    done < <(command vaultpy shell-init profiles 2> /dev/null; [ $# -eq 0 ] || printf '%s\n' "$@")
}

__vaultpy_complete_vaultpy() {
    local word words firsts verbs flags values arguments kind start
    __vaultpy_join
    __vaultpy_parse "${words[@]:1:${#words[@]}-2}"
    case $kind:$word in
        COMMAND:*) ;;
        *:-*) COMPREPLY=($(compgen -W "$flags $values" -- "$word")); return ;;
    esac
    case $kind in
        VERB) COMPREPLY=($(compgen -W "$verbs" -- "$word")) ;;
        PROFILE* | PATTERN*) __vaultpy_offer "$2" ;;
        CMD* | COMMAND)
            if declare -F _command_offset > /dev/null; then
                _command_offset "${firsts[start + 1]}"
            elif [ $((start + 2)) -eq ${#words[@]} ]; then
                COMPREPLY=($(compgen -c -- "$word"))
            fi ;;
        *\|*) COMPREPLY=($(compgen -W "${kind//|/ }" -- "$word")) ;;
        "") COMPREPLY=($(compgen -W "$flags $values" -- "$word")) ;;
    esac
}
complete -o default -F __vaultpy_complete_vaultpy vaultpy
"""

_ZSH = r"""
__vaultpy_complete_vaultpy() {
    local verbs flags values arguments kind start
    local -a described
    __vaultpy_parse "${(@)words[2,CURRENT-1]}"
    if [[ $kind != COMMAND && ${words[CURRENT]} == -* ]]; then
        compadd -- ${=flags} ${=values}
        return
    fi
    case $kind in
        VERB) described=("${(@f)verbs}"); _describe command described ;;
        PROFILE*|PATTERN*) compadd -- "${(@f)$(command vaultpy shell-init profiles 2> /dev/null)}" ;;
        CMD*|COMMAND) shift $((start + 1)) words; (( CURRENT -= start + 1 )); _normal ;;
        *\|*) compadd -- "${(@s:|:)kind}" ;;
        "") compadd -- ${=flags} ${=values} ;;
        *) _files ;;
    esac
}
if (( $+functions[compdef] )); then compdef __vaultpy_complete_vaultpy vaultpy; fi
"""

_FISH = r"""
function __vaultpy_know
    set -g __vaultpy_verbs
    set -g __vaultpy_flags
    set -g __vaultpy_values
    set -g __vaultpy_kinds
    switch "$argv"
@KNOWN@        case '*'
            return 1
    end
end

function __vaultpy_complete
    set -l words (commandline -opc)[2..-1]
    set -l command
    set -l at 0
    __vaultpy_know
    while set -q words[(math $at + 1)]
        set at (math $at + 1)
        set -l word $words[$at]
        if set -q __vaultpy_verbs[1]
            if not string match -q -- '-*' $word
                set -a command $word
                __vaultpy_know $command; or return
            end
            continue
        end
        if contains -- $word $__vaultpy_values
            set at (math $at + 1)
            if not set -q words[$at]
                __fish_complete_path (commandline -ct)
                return
            end
        else if test "$word" = --; and string match -qr -- '^(CMD|.*[.][.][.] CMD)$' "$__vaultpy_kinds"
            __vaultpy_complete_rest $words[(math $at + 1)..-1]
            return
        else if string match -q -- '-*' $word
        else if test "$__vaultpy_kinds[1]" = CMD
            __vaultpy_complete_rest $words[$at..-1]
            return
        else if not string match -q -- '*...' "$__vaultpy_kinds[1]"
            set -e __vaultpy_kinds[1]
        end
    end
    if string match -q -- '-*' (commandline -ct)
        printf '%s\n' $__vaultpy_flags $__vaultpy_values
        return
    end
    switch "$__vaultpy_kinds[1]"
        case 'PROFILE*' 'PATTERN*'
            command vaultpy shell-init profiles 2> /dev/null
        case CMD
            __vaultpy_complete_rest
        case '*|*'
            string split '|' -- $__vaultpy_kinds[1]
        case ''
            if set -q __vaultpy_verbs[1]
                printf '%s\n' $__vaultpy_verbs
            else
                printf '%s\n' $__vaultpy_flags $__vaultpy_values
            end
        case '*'
            __fish_complete_path (commandline -ct)
    end
end

# What completes the command that stands behind exec.
function __vaultpy_complete_rest
    complete -C (string join ' ' -- (string escape -- $argv) (commandline -ct))
end

complete -c vaultpy -f -a '(__vaultpy_complete)'
"""


def completion(shell: str) -> str:
    """Return the script for `shell`, one of bash, zsh and fish."""
    with open(_FILE, encoding="utf-8") as file:  # noqa: PTH123  # as above
        commands = [line.rstrip("\n").split("\t") for line in file]
    if shell == "fish":
        return _FISH.replace("@KNOWN@", "".join(_known_to_fish(commands)))
    known = "".join(_known(command, commands, described=shell == "zsh") for command in commands)
    return _PARSER.replace("@KNOWN@", known) + (_ZSH if shell == "zsh" else _BASH)


def _known(command: list[str], commands: list[list[str]], *, described: bool) -> str:
    name, arguments, flags, values, _ = command
    verbs = _verbs_of(name, commands)
    words = (
        "\n".join(f"{verb}:{text}" for verb, text in verbs) if described else " ".join(v for v, _ in verbs)
    )
    parts = {"verbs": words, "arguments": arguments, "flags": flags, "values": values}
    setting = " ".join(f"{part}={_quoted(text)}" for part, text in parts.items() if text)
    return f"        {_quoted(name)}) {setting or ':'} ;;\n"


def _known_to_fish(commands: list[list[str]]) -> list[str]:
    lines = []
    for name, arguments, flags, values, _ in commands:
        verbs = [f"{verb}\t{text}" for verb, text in _verbs_of(name, commands)]
        lines.append(f"        case {_quoted(name)}\n")
        parts = {"verbs": verbs, "kinds": arguments.split(), "flags": flags.split(), "values": values.split()}
        lines += [
            f"            set -g __vaultpy_{part} {' '.join(map(_quoted, words))}\n"
            for part, words in parts.items()
            if words
        ]
    return lines


def _verbs_of(group: str, commands: list[list[str]]) -> list[tuple[str, str]]:
    """Return the commands that may stand behind `group`, each with what it does."""
    found = [(command[0].rpartition(" "), command[-1]) for command in commands if command[0]]
    return [(verb, text) for (before, _, verb), text in found if before == group]


def _quoted(text: str) -> str:
    """Quote for bash, zsh and fish alike."""
    return "'" + text.replace("'", "'\\''") + "'"
