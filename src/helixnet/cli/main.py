"""The command ``helixnet``: one table of commands, each imported only when it runs."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, Protocol, cast

from helixnet.errors import (
    ConflictError,
    HelixNetError,
    RefusedError,
    UnavailableError,
    UsageError,
)

# What each command is for; its module in helixnet.cli has add_arguments(parser) and main(args).
COMMANDS: Final = {
    "run": "map files locally: NDJSON on stdout, progress on stderr",
    "check": "find every problem of a context, with file, line and column",
    "test": "run the tests inside contexts",
    "diff": "what an edit of a context would change for a file, field by field",
    "sniff": "what a file is: format, encoding, columns; prints a source block to begin with",
    "grammar": "make the YAML form of an IDoc type's grammar from what SAP exports",
    "trace": "one field of a result back to file, line, column, bytes and rule",
    "serve": "the embedded server: gateway, consumers, pages, SFTP",
    "service": "one service of the stack: gateway, ingest, mapper or sink",
    "submit": "send a file to a server",
    "jobs": "list, show, cancel and rerun jobs, fetch results, on a server",
    "rejects": "list, show, correct and requeue rejected records on a server",
    "replay": "run many finished jobs again, or see what that would change",
    "flows": "which files a tenant's context takes, on a server",
    "inputs": "values that a tenant gives to all its contexts, on a server",
    "contexts": "publish, list and compare contexts on a server",
    "topics": "read a topic of a server, make the topics of a bus",
    "dead": "list, show and put back records of the bus that are no events, on a server",
    "login": "get a token from a server and keep it",
    "partners": "who may drop files by SFTP, on a server",
    "db": "upgrade, back up, restore and clean the ledger of a data folder",
    "store": "make the bucket ready in which files live",
    "keys": "rotate the signing keys of a data folder",
    "users": "list the demo users with their roles and tenants",
    "config": "show each setting with its source",
    "completion": "print the completion script for bash or zsh",
}
EXIT_FINISHED_WITH_REJECTS: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNAVAILABLE: Final = 3


class Command(Protocol):
    """What a module of :mod:`helixnet.cli` offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments; must not import anything heavy."""
        ...

    def main(self, args: argparse.Namespace) -> int:
        """Do it; return the exit status."""
        ...


def command_module(name: str) -> Command:
    """Import the module of one command."""
    return cast("Command", import_module(f"helixnet.cli.{name}"))  # checked by a test of the table


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """Make the parser; with ``only``, the arguments of that command alone are declared."""
    parser = argparse.ArgumentParser(
        prog="helixnet",
        description="Business files in, validated JSON out.",
        epilog="Exit status: 0 all good; 1 finished with rejects, or the file refused; "
        "2 wrong usage or context; 3 something needed is unavailable.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if only in (None, name):
            command_module(name).add_arguments(command)
    return parser


def exit_status(error: HelixNetError) -> int:
    """Say with which status a command ends that met ``error``."""
    if isinstance(error, RefusedError):
        return EXIT_FINISHED_WITH_REJECTS
    if isinstance(error, UnavailableError):
        return EXIT_UNAVAILABLE
    if isinstance(error, ConflictError):
        return EXIT_UNAVAILABLE
    return EXIT_USAGE


def _ended_by(error: HelixNetError) -> int:
    """Say what went wrong and what to do; return the exit status."""
    hint = f"\nhelixnet: try: {error.hint}" if error.hint else ""
    code = f"{error.code}: " if error.code else ""
    print(f"helixnet: {code}{error}{hint}", file=sys.stderr)
    return exit_status(error)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; never a traceback for what a user did."""
    only = next((word for word in arguments if word in COMMANDS), "")
    parser = build_parser(only)
    args = parser.parse_args(arguments)
    if args.version:
        from importlib.metadata import version  # takes as long as a small file

        print(f"helixnet {version('helixnet')}")
        return 0
    if not args.command:
        parser.print_help()
        return EXIT_USAGE
    try:
        return command_module(args.command).main(args)
    except HelixNetError as error:
        return _ended_by(error)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "helixnet":
            raise  # a fault of ours
        text = f"this installation lacks what the command needs: {error}"
        hint = "install helixnet[serve] for a server, helixnet[stack] for the stack"
        return _ended_by(UsageError(text, hint=hint))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away, as `head` does: end quietly, also at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
