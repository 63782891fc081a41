"""`completion bash` and `completion zsh` print a script that completes commands, groups, names and keys.

The script holds the words themselves, so that completing takes no process of Python's. It is made anew when
experiments are added.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from harness.cli.arguments import commands_of, parser
from harness.cli.listing import GROUPS, KINDS
from harness.config.yaml_files import read_yaml
from harness.errors import HarnessError
from harness.places.folders import config_files, own_conf
from harness.places.named import named

BASH = """# Completes the command `harness`; made by `harness completion bash`.
_harness() {{
    local line="${{COMP_LINE:0:COMP_POINT}}" word prefix="" known settings="{settings}"
    word="${{line##* }}"
    local -a words
    read -ra words <<< "$line"
    if [[ ${{#words[@]}} -lt 2 || ( ${{#words[@]}} -eq 2 && "$line" != *" " ) ]]; then
        known="{commands}"
    else
        case "${{words[1]}}" in
            {cases}
        esac
    fi
    COMPREPLY=()
    # Bash begins a new word after "=" and ":", so only what follows the last of them is replaced.
    [[ "$word" == *[=:]* && "$COMP_WORDBREAKS" == *"="* ]] && prefix="${{word%"${{word##*[=:]}}"}}"
    local candidate
    for candidate in $known; do
        [[ "$candidate" == "$word"* ]] && COMPREPLY+=("${{candidate#"$prefix"}}")
    done
    [[ ${{#COMPREPLY[@]}} -eq 1 && "${{COMPREPLY[0]}}" == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}}
complete -o default -F _harness harness
"""

ZSH = """# Completes the command `harness`; made by `harness completion zsh`.
_harness() {{
    local known settings="{settings}"
    if (( CURRENT == 2 )); then
        known="{commands}"
    else
        case "$words[2]" in
            {cases}
        esac
    fi
    local -a candidates=(${{=known}})
    compadd -S "" -- ${{(M)candidates:#*=}}
    compadd -- ${{candidates:#*=}}
    (( compstate[nmatches] )) && return
    # A file, also after the "=" of a setting.
    compset -P "*="
    _files
}}
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}
compdef _harness harness
"""

TAKE_SETTINGS = ("run", "validate", "engines", "show", "rescore")
"""Commands that take settings."""

SCRIPTS = {"bash": BASH, "zsh": ZSH}


def print_completion(shell: str, config_dir: Path | None) -> int:
    """Prints the script for one shell."""
    print(script(shell, config_dir), end="")
    return 0


def script(shell: str, config_dir: Path | None = None) -> str:
    """The script for bash or zsh."""
    commands = commands_of(parser())
    names = {name for group in GROUPS.values() for name in config_files(group, config_dir)}
    further = {"show": sorted(names), "list": KINDS}
    known = {
        name: [
            *(flag for flag in one._option_string_actions if flag.startswith("--")),
            *(["$settings"] if name in TAKE_SETTINGS else ()),
            *further.get(name, ()),
        ]
        for name, one in commands.items()
    }
    cases = "\n            ".join(f'{name}) known="{" ".join(words)}" ;;' for name, words in known.items())
    return SCRIPTS[shell].format(commands=" ".join(commands), settings=" ".join(settings(config_dir)), cases=cases)


def settings(config_dir: Path | None = None) -> list[str]:
    """Every choice of a group, as `experiment=pTrue`, and every key with "=", the keys of all experiments among
    them."""
    found = [f"{key}=" for key in read_yaml(own_conf() / "config.yaml") if key != "defaults"]
    for group in GROUPS.values():
        found.append(f"{group}=")
        prefix = group.replace("/", ".")
        for name, file in config_files(group, config_dir).items():
            found.append(f"{group}={name}")
            found += [f"{prefix}.{key}=" for key in _keys(file, group)]
    return sorted({*found, "hydra.sweep.dir="})


def _keys(file: Path, group: str) -> list[str]:
    """The settings of the class that a config file names; none of a file that is another program's or does not work."""
    try:
        node = read_yaml(file)
        part = node.get(group, node)
        cls = named(str(part["_target_"]), str(file))
        return [f.name for f in dataclasses.fields(cls)]
    except (HarnessError, KeyError, TypeError, AttributeError):
        return []
