"""Print a completion script for a shell.

source <(sampler completion bash)
sampler completion zsh > ~/.zfunc/_sampler
sampler completion fish | source
"""

from __future__ import annotations

import argparse

HELP = "print a completion script for bash, zsh or fish"
SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


def run(arguments: argparse.Namespace) -> int:
    from sampler.commands.parser import build_parser
    from sampler.view.completion import script

    print(script(build_parser(), arguments.shell))
    return 0
