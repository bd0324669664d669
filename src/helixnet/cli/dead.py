"""``helixnet dead list|show|requeue``: records of the bus that are no events, on a server."""

import argparse
import base64
from typing import Any

from helixnet.cli.arguments import add_server_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="what could not be decoded, newest first")
    listing.add_argument("--topic", help="only what came from this topic")
    listing.add_argument("--limit", type=int, default=50, help="how many at most (default 50)")
    show = verbs.add_parser("show", help="one letter with its bytes")
    requeue = verbs.add_parser("requeue", help="put one back on its topic as it was, once")
    for verb in (show, requeue):
        verb.add_argument("id", metavar="ID", help="id of the letter")
    for verb in (listing, show, requeue):
        add_server_arguments(verb)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show

    server = connection.connect(args)
    if args.verb == "list":
        letters = server.get("/dead", topic=args.topic, limit=args.limit)["letters"]
        if args.json:
            show.show_json(letters)
        else:
            columns = ("id", "time", "topic", "partition", "offset", "size", "reason", "requeued")
            show.show_table(letters, columns)
        return 0
    path = f"/dead/{connection.segment(args.id)}"
    requeued = args.verb == "requeue"
    letter = server.post(f"{path}/requeue") if requeued else server.get(path)
    if args.json:
        show.show_json(letter)
    elif requeued:
        print(f"{letter['id']} goes back to {letter['topic']}")
    else:
        show.show_table(readable(letter), ("what", "value"))
    return 0


def readable(letter: dict[str, Any]) -> list[dict[str, Any]]:
    """Write a letter line by line, its bytes as far as they are text."""
    lines = {**letter, "key": text(letter["key"]), "value": text(letter["value"])}
    del lines["headers"]
    lines |= {f"header {name}": text(value) for name, value in letter["headers"]}
    return [{"what": name, "value": value} for name, value in lines.items()]


def text(value: str | None) -> str:
    """Write base64 as the text that it stands for; bytes that are none as escapes."""
    if value is None:
        return ""
    return base64.b64decode(value).decode("utf-8", "backslashreplace")
