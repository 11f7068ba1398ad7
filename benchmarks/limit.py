"""The physical limit: decode the pages of a run with msgspec, and encode each record as a message.

Nothing is fetched, shaped or checked. The pages are read before the clock starts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import msgspec


def main(pages: str, report: str) -> None:
    """Decode and encode all pages of a folder, and append what it took to a file.

    Args:
        pages: Folder with one answer in each file; its name is the stream's.
        report: File that gets a line of JSON: records, and the seconds of decoding and encoding.
    """
    folder = Path(pages)
    encoder = msgspec.json.Encoder()
    head = {"type": "RECORD", "stream": folder.name}
    extracted = {"time_extracted": "2024-01-31T00:00:00.000000+00:00"}
    records, seconds = 0, 0.0
    with Path(os.devnull).open("wb") as output:
        for file in sorted(folder.iterdir()):
            body = file.read_bytes()
            began = time.perf_counter()
            rows = msgspec.json.decode(body)["message"]
            messages = [{**head, "record": row, **extracted} for row in rows]
            output.write(encoder.encode_lines(messages))
            seconds += time.perf_counter() - began
            records += len(rows)
    with Path(report).open("a", encoding="utf-8") as file_of_results:
        file_of_results.write(json.dumps({"records": records, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
