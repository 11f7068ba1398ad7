"""Batch files in JSON Lines.

The SDK's own batcher encodes record by record, compresses at zlib's slowest level (twice the time
of level 6, for files that are a twentieth smaller), and compresses even if told not to.
"""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count, islice
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from singer_sdk.batch import Batcher
from singer_sdk.contrib.msgspec import encoder
from singer_sdk.helpers._batch import BatchFileFormat

from tap_kapture.errors import KaptureConfigError, KaptureError, KaptureOutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers._batch import BatchConfig

LEVEL = 6
"""How hard zlib tries, of 9."""
RECORDS_AT_ONCE = 100
"""Records that are encoded in one call, see :mod:`tap_kapture.pull.emission`."""


def complete(schema: dict[str, Any]) -> None:
    """Add to the settings' JSON Schema what the SDK's `batch_config` leaves out.

    Args:
        schema: Changed in place; may be complete already.
    """
    definition = schema["properties"]["batch_config"]
    definition["required"] = ["encoding", "storage"]
    # In a file of no records, none would be loaded.
    definition["properties"]["batch_size"] = {"type": "integer", "minimum": 1}
    definition["properties"]["encoding"]["required"] = ["format"]
    definition["properties"]["storage"]["required"] = ["root"]


def until_it_fails(records: Iterator[Any], failures: list[BaseException]) -> Iterator[Any]:
    """Yield records until one cannot be read, or a signal ends the run: a file holds what came.

    Args:
        records: The records.
        failures: Takes what ended them.
    """
    try:
        yield from records
    except (KaptureError, SystemExit) as failure:
        failures.append(failure)


def files(
    records: Iterator[Any], batch_config: BatchConfig, tap: str, stream: str
) -> Iterator[list[str]]:
    """Write records to files, and yield the manifest of each as soon as it is whole.

    Args:
        records: Dicts, or for JSON Lines what msgspec encodes as objects.
        batch_config: Format, size and place of the files.
        tap: Name of the tap.
        stream: Name of the stream.
    """
    if batch_config.encoding.format == BatchFileFormat.JSONL:
        return json_lines_files(records, batch_config, f"{tap}--{stream}")
    return Batcher(tap, stream, batch_config).get_batches(records)


def json_lines_files(
    records: Iterator[Any], batch_config: BatchConfig, name: str
) -> Iterator[list[str]]:
    """Write records to files, and yield the manifest of each as soon as it is whole.

    Args:
        records: What msgspec encodes as objects; no further one is taken once a file is full.
        batch_config: How many records a file holds, and where it is.
        name: Begins the names of the files, behind the configured prefix.

    Yields:
        The file's address, in a list.

    Raises:
        KaptureOutputError: A file cannot be written.
    """
    is_gzip = batch_config.encoding.compression == "gzip"
    prefix = f"{batch_config.storage.prefix or ''}{name}-{uuid4()}"
    for number in count(1):
        batch = islice(records, batch_config.batch_size)
        part = list(islice(batch, RECORDS_AT_ONCE))
        if not part:
            return
        file_name = f"{prefix}-{number}.json{'.gz' if is_gzip else ''}"
        with _opened(file_name, batch_config, is_gzip=is_gzip) as file:
            while part:
                file.write(encoder.encode_lines(part))
                part = list(islice(batch, RECORDS_AT_ONCE))
        yield [batch_config.storage.get_url(file_name)]


def check(batch_config: BatchConfig) -> None:
    """Look whether the format and the storage are known, before anything is read.

    Args:
        batch_config: What files are to be written, and where.

    Raises:
        KaptureConfigError: One is not known, or a package that it needs is not installed.
    """
    if batch_config.encoding.format == BatchFileFormat.PARQUET and not find_spec("pyarrow"):
        why = "parquet needs pyarrow, which is not installed"
        raise _unusable(why)
    try:
        batch_config.storage.get_url("file")
    except (ImportError, ValueError) as error:
        raise _unusable(error) from None


def _unusable(why: object) -> KaptureConfigError:
    return KaptureConfigError(
        f"batch_config: {why}. Install what is missing, or choose another format or storage"
    )


@contextmanager
def _opened(
    file_name: str, batch_config: BatchConfig, *, is_gzip: bool
) -> Iterator[IO[bytes] | gzip.GzipFile]:
    try:
        with batch_config.storage.open(file_name, "wb") as file:
            if is_gzip:
                with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=LEVEL) as compressed:
                    yield compressed
            else:
                yield file
    except ImportError as error:  # the driver of a storage is not loaded before
        raise _unusable(error) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        msg = (
            f"batch_config.storage.root: a file cannot be written there: {reason}. Nothing is "
            "lost, the next run goes on from the last STATE"
        )
        raise KaptureOutputError(msg) from None
