"""The loader of the Meltano project: each value as it came, whole batches, states that are safe."""

from __future__ import annotations

import contextlib
import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Record = dict[str, Any]

LOADER = Path(sys.executable).with_name("target-duckdb-exact")
SCHEMA = {
    "properties": {
        "Id": {"type": "integer"},
        "created": {"type": ["null", "string"], "format": "date-time"},
        "text": {"type": ["null", "string"]},
        "amount": {"type": ["null", "number"]},
        "count": {"type": ["null", "integer"]},
        "flag": {"type": ["null", "boolean"]},
        "extra": {"type": ["null", "object"]},
        "list": {"type": ["null", "array"]},
    }
}
INTEGER = {"type": "integer"}
TEXTS = (
    "'hello'",
    "it's",
    "a,b;c|d\te",
    "line\r\nbreak\nand\rmore",
    'say "x"',
    "back\\slash\\",
    "#no comment",
    "  spaces  ",
    "NULL",
    '""',
    "",
    "नमस्ते 🙂\u2028\u0085",
    None,
)
NUMBERS = (0.1, 1e22, -0.0, 5e-324, 1.7976931348623157e308, 1234567.1234567891, 3, None)
INTEGERS = (0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**100, None)
INSTANTS = {
    "2024-04-19T08:49:00+00:00": "2024-04-19 08:49:00",
    "2024-04-19T08:49:00.123456Z": "2024-04-19 08:49:00.123456",
    "2024-04-19T14:19:00+05:30": "2024-04-19 08:49:00",
    "0001-01-01T00:00:00+00:00": "0001-01-01 00:00:00",
    "9999-12-31T23:59:59+00:00": "9999-12-31 23:59:59",
    None: None,
}
NESTED: tuple[Record | None, ...] = (
    {"text": "say \"x\", 'y'\n", "empty": "", "none": None, "big": 2**70, "deep": {"a": [1, {}]}},
    {},
    None,
)


def schema(stream: str = "things") -> Record:
    return {"type": "SCHEMA", "stream": stream, "schema": SCHEMA, "key_properties": ["Id"]}


def state(number: int) -> Record:
    return {"type": "STATE", "value": {"bookmarks": {"things": number}}}


def rows(records: Sequence[Record], stream: str = "things") -> list[Record]:
    return [{"type": "RECORD", "stream": stream, "record": record} for record in records]


def batch(*files: Path, compression: str = "none") -> Record:
    return {
        "type": "BATCH",
        "stream": "things",
        "encoding": {"format": "jsonl", "compression": compression},
        "manifest": [file.as_uri() for file in files],
    }


def lines(records: Sequence[Record]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


class Warehouse:
    """A database, and the loader that fills it."""

    def __init__(self, folder: Path) -> None:
        """Settle in an empty folder."""
        self.folder = folder
        self.database = folder / "warehouse.duckdb"
        (folder / "temporary").mkdir()
        self.settings = {
            "path": str(self.database),
            "default_target_schema": "kapture",
            "temp_dir": str(folder / "temporary"),
        }

    def command(self, **settings: object) -> list[str]:
        """The loader's command line."""
        config = self.folder / "config.json"
        config.write_text(json.dumps({**self.settings, **settings}), encoding="utf-8")
        return [str(LOADER), "--config", str(config)]

    def load(
        self, *messages: Record | bytes, fails: bool = False, **settings: object
    ) -> tuple[list[Record], str]:
        """Load messages; return the states and the log."""
        sent = [m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages]
        ended = subprocess.run(
            self.command(**settings), input=b"\n".join(sent), capture_output=True, check=False
        )
        log = ended.stderr.decode()
        assert bool(ended.returncode) == fails, log
        assert "Traceback" not in log
        assert list((self.folder / "temporary").iterdir()) == []
        return [json.loads(line) for line in ended.stdout.splitlines()], log

    def table(self, columns: str = "*") -> list[tuple[Any, ...]]:
        """The rows of the table, by key."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.sql(f"select {columns} from kapture.things order by id").fetchall()  # noqa: S608 - of ours

    def files(self, *contents: Sequence[Record], compression: str = "none") -> Record:
        """Write batch files, and return their message."""
        written = []
        for number, records in enumerate(contents):
            file = self.folder / f"it's file {number}.json"
            content = lines(records)
            file.write_bytes(gzip.compress(content) if compression == "gzip" else content)
            written.append(file)
        return batch(*written, compression=compression)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def records_of(column: str, values: Sequence[object]) -> list[Record]:
    return [{"Id": number, column: value} for number, value in enumerate(values)]


@pytest.fixture(params=["records", "files", "gzip"])
def message_of(
    request: pytest.FixtureRequest, warehouse: Warehouse
) -> Callable[[Sequence[Record]], list[Record]]:
    """How records travel: one by one, or as files."""

    def wrapped(records: Sequence[Record]) -> list[Record]:
        if request.param == "records":
            return rows(records)
        return [warehouse.files(records, compression=request.param.replace("files", "none"))]

    return wrapped


@pytest.mark.parametrize(
    ("column", "values", "shown"),
    [
        pytest.param("text", TEXTS, TEXTS, id="text"),
        pytest.param("amount", NUMBERS, NUMBERS, id="number"),
        pytest.param("count", INTEGERS, INTEGERS, id="integer"),
        pytest.param("flag", (True, False, None), (True, False, None), id="boolean"),
        pytest.param("created", tuple(INSTANTS), tuple(INSTANTS.values()), id="instant"),
    ],
)
def test_every_value_arrives_as_it_was(
    warehouse: Warehouse,
    message_of: Callable[[Sequence[Record]], list[Record]],
    column: str,
    values: Sequence[object],
    shown: Sequence[object],
) -> None:
    warehouse.load(schema(), *message_of(records_of(column, values)))

    read = f"{column}::varchar" if column == "created" else column
    assert warehouse.table(f"id, {read}") == list(enumerate(shown))


@pytest.mark.parametrize("column", ["extra", "list"])
def test_every_nested_value_arrives_as_it_was(
    warehouse: Warehouse, message_of: Callable[[Sequence[Record]], list[Record]], column: str
) -> None:
    values = NESTED if column == "extra" else ([], ["a", None, {"b": 1}], None)
    warehouse.load(schema(), *message_of(records_of(column, values)))

    loaded = [value and json.loads(value) for (value,) in warehouse.table(column)]
    assert loaded == list(values)


def test_a_second_load_updates_by_key_and_the_last_of_several_counts(
    warehouse: Warehouse, message_of: Callable[[Sequence[Record]], list[Record]]
) -> None:
    warehouse.load(schema(), *message_of(records_of("text", "abc")))
    later = [{"Id": 1, "text": "older"}, {"Id": 3, "text": "new"}, {"Id": 1, "text": "newer"}]
    warehouse.load(schema(), *message_of([*later, {"Id": 2, "count": 7}]))

    assert warehouse.table("id, text, count") == [
        (0, "a", None),
        (1, "newer", None),
        (2, None, 7),
        (3, "new", None),
    ]


def test_a_state_comes_when_all_before_it_is_stored(warehouse: Warehouse) -> None:
    files = warehouse.files(records_of("text", "abc"))
    states, _ = warehouse.load(schema(), state(1), *rows([{"Id": 9}]), state(2), files, state(3))

    # 1 comes at once, 2 when the file's arrival has the record stored, 3 behind the file.
    assert [each["bookmarks"]["things"] for each in states] == [1, 2, 3]


def test_a_full_batch_is_stored_at_once_with_all_streams(warehouse: Warehouse) -> None:
    others = rows([{"Id": 1}], stream="others")
    states, _ = warehouse.load(
        schema(),
        schema("others"),
        *others,
        state(1),
        *rows(records_of("text", "abc")),
        state(2),
        *rows([{"Id": 9}]),
        b'{"type": "RECORD", "stream": "thi',
        fails=True,
        batch_size_rows=3,
    )
    assert [each["bookmarks"]["things"] for each in states] == [1, 2]
    assert [row[0] for row in warehouse.table("id")] == [0, 1, 2, 9]


def test_of_files_that_cannot_be_read_nothing_is_stored(warehouse: Warehouse) -> None:
    bad: list[Record] = [{"Id": 5}, {"Id": 6, "count": "private"}]
    files = warehouse.files(records_of("text", "abc"), bad)
    good = rows([{"Id": 8}])
    states, log = warehouse.load(schema(), *good, state(1), files, state(2), fails=True)

    assert [each["bookmarks"]["things"] for each in states] == [1]
    assert warehouse.table("id") == [(8,)]
    assert "stream 'things' cannot be stored" in log
    assert "private" not in log


def test_a_record_without_its_key_is_refused(warehouse: Warehouse) -> None:
    _, log = warehouse.load(schema(), *rows([{"text": "private"}]), fails=True)
    assert "cannot be stored (ConstraintException)" in log
    assert "private" not in log


def test_files_go_away_once_they_are_stored_if_told_so(warehouse: Warehouse) -> None:
    files = warehouse.files(records_of("text", "abc"))
    warehouse.load(schema(), files)
    warehouse.load(schema(), files, delete_batch_files=True)

    assert len(warehouse.table()) == 3
    assert list(warehouse.folder.glob("*.json")) == [warehouse.folder / "config.json"]


def test_metadata_columns_say_when_a_row_came(warehouse: Warehouse) -> None:
    (message,) = rows([{"Id": 1}])
    message["time_extracted"] = "2024-04-19T08:49:00+00:00"
    warehouse.load(schema(), message, add_metadata_columns=True)

    shown = "_sdc_extracted_at::varchar, _sdc_batched_at > '2024-01-01', _sdc_deleted_at"
    assert warehouse.table(shown) == [("2024-04-19 08:49:00", True, None)]


@pytest.mark.parametrize(
    ("messages", "settings", "told"),
    [
        pytest.param([], {"hard_delete": True}, "hard_delete: this target has no", id="setting"),
        pytest.param([], {"path": ""}, "'path' or 'filepath' must be defined", id="path"),
        pytest.param([], {"path": "no/folder/x.duckdb"}, "cannot be opened", id="folder"),
        pytest.param([{"type": "HELLO"}], {}, "type 'HELLO' are not known", id="message"),
        pytest.param(rows([{"Id": 1}]), {}, "came before its SCHEMA", id="schema"),
        pytest.param([{**schema(), "key_properties": []}], {}, "no primary key", id="key"),
        pytest.param(
            [schema(), {**batch(), "encoding": {"format": "parquet"}}], {}, "jsonl", id="parquet"
        ),
        pytest.param([{"type": "STATE"}], {}, "type STATE has no 'value'", id="state"),
        pytest.param(
            [{"type": "BATCH", "stream": "things"}],
            {},
            "no 'encoding' and no 'manifest'",
            id="batch",
        ),
        pytest.param(
            [{**schema(), "schema": {"properties": {"Id": {}}}}], {}, "cannot be made", id="table"
        ),
        pytest.param([{"type": ["STATE"]}], {}, "no Singer message", id="type"),
        pytest.param(
            [{**schema(), "schema": {"properties": dict.fromkeys(("iD", "Id", "ID"), INTEGER)}}],
            {},
            "stream 'things' has columns whose names differ only in case: ID, Id, iD",
            id="case",
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_a_reason(
    warehouse: Warehouse, messages: list[Record], settings: Record, told: str
) -> None:
    _, log = warehouse.load(*messages, fails=True, **settings)
    assert told in log


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "the file cannot be read: No such file"),
        ("", "the file is not JSON at line 1"),
        ('{"path":\n"private",}', "the file is not JSON at line 2"),
        ("[]", "the file must hold a JSON object"),
        (b"\xff", "the file is not JSON"),
    ],
    ids=["missing", "empty", "broken", "list", "latin"],
)
def test_a_configuration_that_cannot_be_read_is_named(
    tmp_path: Path, text: str | bytes | None, told: str
) -> None:
    config = tmp_path / "given.json"
    if text is not None:
        config.write_bytes(text if isinstance(text, bytes) else text.encode())
    ended = subprocess.run(
        [LOADER, "--config", config], input=b"", capture_output=True, check=False
    )
    log = ended.stderr.decode()
    assert ended.returncode == 1
    assert log.startswith(f"target-duckdb-exact: --config {config}: {told}")
    assert log.count("\n") == 1
    assert "private" not in log


def test_no_error_shows_the_token(warehouse: Warehouse) -> None:
    _, log = warehouse.load(fails=True, path="no/folder/x.duckdb", token="md-s3cret")  # noqa: S106 - made up
    assert "cannot be opened" in log
    assert "?token=[token]" in log
    assert "md-s3cret" not in log


def test_a_stream_without_key_grows_if_told_so(warehouse: Warehouse) -> None:
    keyless = {**schema(), "key_properties": []}
    for _ in range(2):
        warehouse.load(keyless, *rows([{"Id": 1}]), primary_key_required=False)
    assert warehouse.table("id") == [(1,), (1,)]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_signal_leaves_no_temporary_file(warehouse: Warehouse) -> None:
    with subprocess.Popen(
        warehouse.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as loader:
        assert loader.stdin
        assert loader.stdout
        for message in (schema(), state(1), *rows([{"Id": 1}])):
            loader.stdin.write(json.dumps(message).encode() + b"\n")
        loader.stdin.flush()
        loader.stdout.readline()  # the state before the record: the loader is at work
        loader.send_signal(signal.SIGTERM)
        with contextlib.suppress(BrokenPipeError):
            loader.communicate(timeout=20)
    assert loader.returncode == 143
    assert list((warehouse.folder / "temporary").iterdir()) == []
