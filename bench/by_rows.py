"""``helixnet`` with its rows executor alone, however large the file."""

import sys

from helixnet.__main__ import main
from helixnet.engine import plan

if __name__ == "__main__":
    plan.COLUMNS_FROM = sys.maxsize
    sys.exit(main())
