"""``helixnet db upgrade|backup|restore|check|clean``: care for a data folder or a database."""

import argparse
from pathlib import Path
from typing import Final

_VERBS: Final = {
    "upgrade": "create or migrate the ledger (a copy is made before)",
    "backup": "copy ledger, files, keys and settings into an empty folder, also while serving",
    "restore": "put a backup in place (the server must not run)",
    "check": "look whether the ledger is sound",
    "clean": "remove what ended long ago; open work is never touched",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {name: verbs.add_parser(name, help=text) for name, text in _VERBS.items()}
    for name, verb in made.items():
        verb.add_argument("--data", help="data folder (default: as `helixnet serve`)")
        if name in {"backup", "restore"}:
            verb.add_argument("folder", metavar="DIR", help="folder of the backup")
    clean = made["clean"]
    clean.add_argument("--older", required=True, metavar="AGE", help="such as 90d, 12h or 2w")
    clean.add_argument("--jobs", action="store_true", help="also remove the jobs themselves")
    clean.add_argument("--dry-run", action="store_true", help="only tell what would be removed")
    clean.add_argument("--json", action="store_true", help="print JSON instead of text")


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet import datafolder, settings
    from helixnet.cli import database

    found = settings.load({"data": args.data}).settings
    if found.ledger.startswith(database.KIND):
        return database.main(args, url=found.ledger, password=found.ledger_password)
    data = found.data
    if args.verb == "upgrade":
        print(f"{datafolder.upgrade(data)} is up to date")
    elif args.verb == "backup":
        count = datafolder.backup(data, Path(args.folder))
        print(f"{count} files are in {args.folder}")
    elif args.verb == "restore":
        datafolder.restore(Path(args.folder), data)
        print(f"{data} is as the backup {args.folder}")
    elif args.verb == "check":
        faults = datafolder.check(data)
        print("\n".join(faults) or "the ledger is sound")
        return 1 if faults else 0
    else:
        removed = datafolder.clean(data, args.older, jobs=args.jobs, dry_run=args.dry_run)
        database.show_removed(removed, args)
    return 0
