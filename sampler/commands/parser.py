"""The parser of the command line, put together from the commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import NoReturn

from sampler import __version__, commands
from sampler.errors import UsageError

_STATUS_HELP = "exit status: 0 answered, 1 failed, 2 usage, 3 ended by the budget, 4 the target ended first"


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line as an error of ours, in one line."""

    def error(self, message: str) -> NoReturn:
        _, told, words = message.partition("unrecognized arguments: ")
        if told and not words.startswith("-"):
            raise UsageError(f"{words!r} stands alone", "options are between it and the words before",
                             "write them side by side, with the options before or behind")  # fmt: skip
        raise UsageError(message, fix=f"see `{self.prog} --help`")


def build_parser() -> Parser:
    return parser_of("sampler", commands.__doc__, commands.load())


def parser_of(program: str, about: str | None, modules: Iterable[tuple[str, commands.Command]]) -> Parser:
    """Of a program with these verbs, each with its module."""
    parser = Parser(prog=program, description=about, epilog=_STATUS_HELP, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for name, module in modules:
        verb = verbs.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            epilog=_STATUS_HELP,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    return parser
