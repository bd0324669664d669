"""``helixnet run``: map files here and now, without a server."""

import argparse
import gc
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from helixnet.cli.arguments import add_join_argument

FAILED: Final = 1
_BATCH: Final = 100_000  # containers, more than a batch of records holds as a rule


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("context", help="context file, its folder, or a bundle's zip")
    parser.add_argument("files", nargs="+", metavar="FILE", help="file to map; - reads the pipe")
    parser.add_argument("-o", "--output", metavar="OUT", help="write here instead of on stdout")
    parser.add_argument(
        "--rejects",
        metavar="FILE",
        help="write rejected records here; else to FILE.rejects.ndjson in this folder, if any",
    )
    parser.add_argument(
        "--input", action="append", default=[], metavar="K=V", help="value of an `inputs` entry"
    )
    add_join_argument(parser)
    parser.add_argument(
        "--format", choices=("ndjson", "json"), default="ndjson", help="a line each, or one array"
    )


@contextmanager
def tidy_end() -> Generator[None]:
    """Let SIGTERM and SIGHUP end the work as Ctrl-C does, so that no half file is left behind."""

    def end(number: int, frame: object) -> None:
        del frame
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(args: argparse.Namespace) -> int:
    """Map each file; return 0, 1 with rejects or a refused file, 2 for a bad context."""
    from pathlib import Path

    from helixnet.cli.joining import plan_with
    from helixnet.cli.mapping_run import MappingRun, refuse_overwriting
    from helixnet.cli.problems import complain, problems_of, read_inputs
    from helixnet.engine.context.bundle import load_bundle
    from helixnet.errors import ContextError

    second = [pair.partition("=")[2] for pair in args.join]
    refuse_overwriting([args.context, *args.files, *second], [args.output, args.rejects])
    try:
        plan = plan_with(load_bundle(Path(args.context)), read_inputs(args.input), args.join)
    except ContextError as error:
        complain(args.context, problems_of(error))
        print(f"helixnet: {args.context} can't be used", file=sys.stderr)
        return 2
    complain(args.context, plan.warnings)
    # Records hold no cycles, and a batch of them is let go of at once: looking for cycles as often
    # as Python does costs a tenth of the run.
    gc.freeze()
    gc.set_threshold(_BATCH)
    with (
        tidy_end(),
        MappingRun(
            plan, output=args.output, rejects=args.rejects, array=args.format == "json"
        ) as run,
    ):
        for file in args.files:
            run.map_file(file)
        return run.finish()
