"""``helixnet db …`` where the ledger is a Postgres database."""

import argparse
import asyncio
from collections.abc import Mapping
from typing import Final

from helixnet.errors import UsageError

KIND: Final = "postgresql"
_OWN: Final = {
    "backup": "pg_dump --format=custom --file=FILE DATABASE",
    "restore": "pg_restore --clean --if-exists --dbname=DATABASE FILE, with the services stopped",
}


def main(args: argparse.Namespace, *, url: str, password: str) -> int:
    """Do it; return the exit status.

    Raises:
        UsageError: the database does that itself.
    """
    if args.verb in _OWN:
        raise UsageError(
            f"the ledger is a Postgres database: its own tools do {args.verb}",
            hint=_OWN[args.verb],
        )
    from helixnet.adapters import postgres_care

    if args.verb == "upgrade":
        print(f"{asyncio.run(postgres_care.upgrade(url, password))} is up to date")
    elif args.verb == "check":
        where = asyncio.run(postgres_care.check(url, password))
        print(f"{where} has the tables and rights of this version; pg_amcheck looks at its files")
    else:
        work = postgres_care.clean(url, password, args.older, jobs=args.jobs, dry_run=args.dry_run)
        show_removed(asyncio.run(work), args)
    return 0


def show_removed(removed: Mapping[str, int], args: argparse.Namespace) -> None:
    """Print what was, or would be, removed."""
    from helixnet.cli import show

    if args.json:
        show.show_json(dict(removed))
        return
    print("would be removed:" if args.dry_run else "removed:")
    show.show_table(
        [{"what": name, "how many": number} for name, number in removed.items()],
        ("what", "how many"),
    )
