"""Completion scripts made from the parser itself, so that they cannot fall behind it.

A TARGET is completed with the names of the processes that run, anything else with files.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

_PROCESSES = "ps -eo comm= 2>/dev/null | sort -u"
# Anybody names a process as they like, and bash expands the words that it is given to choose from.
_PLAIN = "LC_ALL=C grep -x '[A-Za-z0-9_.:+@-]*'"

_BASH = """\
_sampler() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" verb="${{COMP_WORDS[1]}}"
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{verbs} --help --version" -- "$word")); return
    fi
    case "$before" in
{choices}
    esac
    case "$word" in
    -*) case "$verb" in
{options}
        esac ;;
    *) case "$verb" in
        {targets}) COMPREPLY=($(compgen -W "$({processes})" -- "$word")) ;;
        *) COMPREPLY=($(compgen -f -- "$word")) ;;
        esac ;;
    esac
}}
complete -o default -F _sampler sampler"""

_ZSH = """\
#compdef sampler
autoload -U +X bashcompinit && bashcompinit
{bash}"""


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The text to be sourced by ``bash``, ``zsh`` or ``fish``."""
    if shell == "fish":
        return "\n".join(_fish(parser))
    bash = _bash(parser)
    return _ZSH.format(bash=bash) if shell == "zsh" else bash


def _bash(parser: argparse.ArgumentParser) -> str:
    verbs = _verbs(parser)
    choices: dict[str, str] = {}
    for action in (action for verb in verbs.values() for action in verb._actions if action.choices):
        for option in action.option_strings:  # of one name in several verbs: what any of them takes
            words = [*choices.get(option, "").split(), *map(str, action.choices or ())]
            choices[option] = " ".join(dict.fromkeys(words))
    return _BASH.format(
        verbs=" ".join(verbs),
        processes=f"{_PROCESSES} | {_PLAIN}",
        targets="|".join(_asking(verbs)),
        choices="\n".join(
            f'    {option}) COMPREPLY=($(compgen -W "{words}" -- "$word")); return ;;'
            for option, words in choices.items()
        ),
        options="\n".join(
            f'        {name}) COMPREPLY=($(compgen -W "{" ".join(_options(verb))}" -- "$word")) ;;'
            for name, verb in verbs.items()
        ),
    )


def _fish(parser: argparse.ArgumentParser) -> Iterator[str]:
    verbs = _verbs(parser)
    yield "complete -c sampler -f -n __fish_use_subcommand -a '" + " ".join(verbs) + "'"
    for name, verb in verbs.items():
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        if name in _asking(verbs):
            yield f"complete -c sampler {seen} -f -a '({_PROCESSES})'"
        for action in verb._actions:
            for option in action.option_strings:
                if option.startswith("--") and action.help != argparse.SUPPRESS:
                    words = f" -xa '{' '.join(map(str, action.choices))}'" if action.choices else ""
                    yield f"complete -c sampler {seen} -l {option[2:]}{words}"


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    group = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(group.choices)


def _options(verb: argparse.ArgumentParser) -> list[str]:
    return [
        option
        for action in verb._actions
        if action.help != argparse.SUPPRESS
        for option in action.option_strings
        if option.startswith("--")
    ]


def _asking(verbs: dict[str, argparse.ArgumentParser]) -> list[str]:
    """The verbs whose first word is a TARGET."""
    return [
        name
        for name, verb in verbs.items()
        if any(not action.option_strings and "TARGET" in str(action.metavar) for action in verb._actions)
    ]
