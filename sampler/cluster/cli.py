"""The plugin's program: kubectl runs whatever is called kubectl-sampler on PATH for `kubectl sampler`."""

from __future__ import annotations

import sys

from sampler import cli
from sampler.cluster import verbs
from sampler.commands.parser import Parser, parser_of


def build_parser() -> Parser:
    return parser_of("kubectl sampler", verbs.__doc__, verbs.load())


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb and returns its exit status, which means the same as that of ``sampler``."""
    return cli.main(arguments, build_parser)


if __name__ == "__main__":
    sys.exit(main())
