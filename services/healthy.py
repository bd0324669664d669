#!/usr/bin/env python
"""Ask the service of this container whether it is live or ready; the exit status is the answer."""

import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from helixnet.settings import load


def main() -> int:
    """Return 0 when ``/health/<first argument>`` answers 200; print what it said when not."""
    question = sys.argv[1] if len(sys.argv) > 1 else "live"
    connection = HTTPConnection("127.0.0.1", load().settings.port, timeout=4)
    try:
        connection.request("GET", f"/health/{question}")
        answer = connection.getresponse()
        said = answer.read(500).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        said = str(error)
    else:
        if answer.status == HTTPStatus.OK:
            return 0
    finally:
        connection.close()
    sys.stderr.write(f"{said}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
