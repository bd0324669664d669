"""``helixnet partners list|add|remove``: who may drop files by SFTP, on a server."""

import argparse
from pathlib import Path
from typing import Any

from helixnet.cli.arguments import add_server_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all partners")
    add = verbs.add_parser("add", help="let a partner drop files for a tenant")
    add.add_argument("--key", required=True, action="append", help="file of an OpenSSH public key")
    remove = verbs.add_parser("remove", help="let a partner in no more")
    for verb in (add, remove):
        verb.add_argument("name", metavar="NAME", help="the SFTP user")
    add.add_argument("--tenant", required=True, help="whose inbox it is")
    for verb in (listing, add, remove):
        add_server_arguments(verb)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show

    server = connection.connect(args)
    if args.verb == "remove":
        remove_partner(server, args.name)
        return 0
    if args.verb == "list":
        partners = server.get("/partners")["partners"]
        if args.json:
            show.show_json(partners)
        else:
            shown = [row | {"keys": [fingerprint(key) for key in row["keys"]]} for row in partners]
            show.show_table(shown, ("name", "tenant", "keys"))
        return 0
    keys = [public_key(Path(path)) for path in args.key]
    made = server.post("/partners", {"name": args.name, "tenant": args.tenant, "keys": keys})
    if args.json:
        show.show_json(made)
    else:
        print(f"partner {made['name']} drops files for {made['tenant']}")
    return 0


def fingerprint(key: str) -> str:
    """Name a public key as `ssh-keygen -l` does: SHA-256 of its bytes, in base64."""
    import base64
    import hashlib

    _, _, rest = key.strip().partition(" ")
    try:
        raw = base64.b64decode(rest.split()[0], validate=True)
    except (ValueError, IndexError):
        return "unreadable"
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def remove_partner(server: Any, name: str) -> None:
    """Take away a partner of whatever tenant; the name is one for all of them.

    Raises:
        NotFoundError: there is none.
    """
    from helixnet.cli.connection import segment
    from helixnet.errors import NotFoundError

    for partner in server.get("/partners")["partners"]:
        if partner["name"] == name:
            params = {"tenant": partner["tenant"]}
            server.send("DELETE", f"/partners/{segment(name)}", params=params)
            return
    raise NotFoundError(f"there is no partner {name}")


def public_key(path: Path) -> str:
    """Read a public key file; a private one is never sent.

    Raises:
        UsageError: it can't be read, or is no OpenSSH public key.
    """
    from helixnet.errors import UsageError

    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read as a public key") from error
    if "PRIVATE" in text or not text.startswith(("ssh-", "ecdsa-", "sk-")):
        raise UsageError(f"{path} is no OpenSSH public key", hint=f"{path}.pub")
    return text
