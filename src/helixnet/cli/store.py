"""``helixnet store apply``: make the place where files live ready, as often as one likes."""

import argparse
import asyncio


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    text = "make the bucket, have it keep versions and tell of drops; says what it did"
    verb = verbs.add_parser("apply", help=text, description=text)
    verb.add_argument("--store", metavar="URL", help="instead of the setting")
    verb.add_argument(
        "--no-notification",
        action="store_true",
        help="leave notifications alone: drops are found by listing",
    )


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet import settings

    found = settings.load({"store": args.store}).settings
    if found.store.startswith("file:"):
        print("files live in a folder: there is nothing to be done")
        return 0
    asyncio.run(_apply(found.store, found.store_access_key, found.store_secret_key, args))
    return 0


async def _apply(url: str, access_key: str, secret_key: str, args: argparse.Namespace) -> None:
    from helixnet.adapters import s3_apply

    async for line in s3_apply.apply(url, access_key, secret_key, notify=not args.no_notification):
        print(line, flush=True)
