"""Bytes become records without a character lost that could be read, or a failure with a name."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.errors import KaptureRecordError, KaptureResponseError, KaptureTransientError
from tap_kapture.shape.json import Unread, decode_record, valid_utf8
from tap_kapture.wire.answers import AnswerParser
from tap_kapture.wire.envelopes import decode_envelope, rows_of, text_of, to_utf8, total_of
from tap_kapture.wire.request import Reply

JSON = "application/json"


def records(body: bytes, content_type: str = JSON) -> list[dict[str, Any]]:
    """Read the records of a body."""
    utf8, _ = to_utf8(body, content_type)
    return [record(each) for each in rows_of(decode_envelope(utf8)["message"])]


def record(row: msgspec.Raw) -> dict[str, Any]:
    """Decode a record whose texts may hold invalid bytes."""
    try:
        return decode_record(row)
    except UnicodeDecodeError:
        return decode_record(valid_utf8(bytes(row))[0])


def body_of(text: str) -> bytes:
    """Return an envelope around one record whose field x is JSON as given."""
    return f'{{"status": "success", "message": [{{"x": {text}}}]}}'.encode()


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("application/json", "utf-8"),
        ("", "utf-8"),
        ("application/json; charset=utf-8", "utf-8"),
        ('application/json;charset="UTF-8"', "utf-8"),
        ("application/json; charset=utf8; x=y", "utf-8"),
        ("text/html; Charset=ISO-8859-1", "latin-1"),
        ("text/html;charset=windows-1252", "cp1252"),
        ("text/plain; CHARSET=UTF-16", "utf-16"),
        ("text/plain; charset=utf-16le", "utf-16-le"),
    ],
)
def test_a_declared_charset_is_honoured(content_type: str, charset: str) -> None:
    utf8, replaced = to_utf8("caf\u00e9".encode(charset), content_type)
    assert utf8.decode().lstrip("\ufeff") == "caf\u00e9"
    assert replaced == 0


@pytest.mark.parametrize(
    ("body", "content_type", "text", "replaced"),
    [
        (b"a\xe9", "x; charset=us-ascii", "a\ufffd", 1),
        (b"a\x81", "x; charset=windows-1252", "a\ufffd", 1),
        (b"caf\xe9", "x; charset=utf-8", "", 0),  # taken as it is, until it is decoded
    ],
)
def test_bytes_that_are_not_valid_are_replaced_and_counted(
    body: bytes, content_type: str, text: str, replaced: int
) -> None:
    assert to_utf8(body, content_type) == (text.encode() or body, replaced)


@pytest.mark.parametrize(
    ("row", "text", "replaced"),
    [
        (b"a\xffb", "a\ufffdb", 1),
        (b"\xff \xe0\xa4", "\ufffd \ufffd", 2),
        ("\ufffd".encode() + b"\xff", "\ufffd\ufffd", 1),  # the first was sent
        ("\ufffd".encode(), "\ufffd", 0),
        (b'\xe0\xa4"', '\ufffd"', 1),  # a cut character takes no quote with it
    ],
)
def test_bytes_of_a_row_that_are_not_valid_are_replaced_and_counted(
    row: bytes, text: str, replaced: int
) -> None:
    assert valid_utf8(row) == (text.encode(), replaced)


def test_invalid_bytes_in_a_key_or_a_record_are_read() -> None:
    assert records(b'{"\xff": 1, "message": [{"a\xff": "b\xff", "n": 1.50}]}') == [
        {"a\ufffd": "b\ufffd", "n": Decimal("1.50")}
    ]


@pytest.mark.parametrize("charset", ["x-none", "base64", "undefined", "zlib"])
def test_an_unknown_charset_is_named(charset: str) -> None:
    with pytest.raises(KaptureResponseError, match=f"unknown charset '{charset}'"):
        to_utf8(b"{}", f"text/html; charset={charset}")


def test_keys_are_read_in_any_letter_case() -> None:
    envelope = decode_envelope(b'{"Status": "failed", "MESSAGE": "x", "totalCount": 3}')
    assert {name: bytes(value) for name, value in envelope.items()} == {
        "status": b'"failed"',
        "message": b'"x"',
        "totalcount": b"3",
    }


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"', b"true", b'[{"a": 1}]'])
def test_json_that_is_no_object_is_an_answer_from_elsewhere(body: bytes) -> None:
    with pytest.raises(KaptureResponseError, match="no object"):
        decode_envelope(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"<html><body>Sign in</body></html>",
        b"Bad Gateway",
        b"502 Bad Gateway",
        b"[error] upstream",
        b'"cut',
        b'{"status": "success", "message": [{"ticketId": "1"',
        b'{"status": "success", "message": [{"ticketId": "1"}]',
        b'{"status": "success"} trailing',
        b"{'status': 'success'}",
        b'{"status": "success",}',
        b'{"x": 01}',
        b'{"x": "\\x"}',
        b'{"x": tru}',
        b"\xef\xbb\xbf",
        b'{"x": ' + b"[" * 200_000,
    ],
)
def test_a_body_that_is_not_json_is_worth_another_try(body: bytes) -> None:
    with pytest.raises(KaptureTransientError, match="the body is not JSON"):
        decode_envelope(body)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\ud83d"', "\ufffd"),
        ('"a\\udc00b"', "a\ufffdb"),
        ('"\\ude00\\ud83d"', "\ufffd\ufffd"),
        ('"a\x01b\tc\nd"', "a\x01b\tc\nd"),
        ('"\\u0000"', "\0"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ('["\\ud800", NaN, {"\\ud800": 1}]', ["\ufffd", "NaN", {"\ufffd": 1}]),
        ("0.10", Decimal("0.10")),
        ("1e400", Decimal("1e400")),
        ("1e99999999999999999999", "1e99999999999999999999"),
        (str(2**200), 2**200),
    ],
)
def test_what_only_a_lenient_parser_reads_is_read(sent: str, read: object) -> None:
    assert records(body_of(sent)) == [{"x": read}]
    (record,) = records(body_of(sent))
    assert str(record["x"]) == str(read)


def test_leniency_keeps_every_digit_of_other_values() -> None:
    numbers = f'[0.10, 1.5E+3, {2**70}, -0.0, 123456789.123456789123456789, "\\ud800"]'
    (record,) = records(body_of(numbers))
    assert [str(value) for value in record["x"]] == [
        *("0.10", "1.5E+3", str(2**70), "-0.0", "123456789.123456789123456789", "\ufffd"),
    ]


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_body(charset: str) -> None:
    content_type = JSON if charset == "utf-8-sig" else f"{JSON}; charset={charset}"
    body = body_of('"caf\u00e9"').decode().encode(charset)
    assert records(body, content_type) == [{"x": "caf\u00e9"}]


def test_a_half_character_from_a_charset_is_no_error() -> None:
    body, _ = to_utf8(b'{"x": "+2AA-"}', "text/plain; charset=utf-7")
    assert json.loads(body)["x"] == "?"


def test_a_record_beyond_what_parsers_take_is_named_without_its_content() -> None:
    row = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(KaptureRecordError, match="a record is nested"):
        decode_record(b'{"x": ' + row + b"}")


def test_a_value_beyond_what_parsers_take_stays_json_and_the_others_are_read() -> None:
    record = decode_record(b'{"a": 1.50, "x": [' + b"9" * 5000 + b'], "b": {"c": null}}')
    assert record == {"a": Decimal("1.50"), "x": f"[{'9' * 5000}]", "b": {"c": None}}
    assert isinstance(record["x"], Unread)
    assert str(record["a"]) == "1.50"


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b'"a"', "a"), (b'""', ""), (b"null", None), (b"1", None), (b"[]", None), (None, None)],
)
def test_text_is_text_only(raw: bytes | None, text: str | None) -> None:
    assert text_of(None if raw is None else msgspec.Raw(raw)) == text


@pytest.mark.parametrize("message", ['[{"a": 1}]', '{"a": 1}'])
def test_rows_are_not_decoded_to_see_that_they_are_no_text(
    message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []
    decode = msgspec.json.decode

    def noting(raw: bytes) -> object:
        decoded.append(bytes(raw))
        return decode(raw)

    monkeypatch.setattr(msgspec.json, "decode", noting)
    reply = Reply(200, {}, f'{{"Status": "success", "Message": {message}}}'.encode(), "/")
    assert [bytes(row) for row in AnswerParser().parse(reply).rows] == [b'{"a": 1}']
    assert decoded == [b'"success"']


@pytest.mark.parametrize(
    ("raw", "total"),
    [
        (b"7", 7),
        (b'"7"', 7),
        (b'" 7 "', 7),
        *((each, None) for each in (b"0", b"-1", b"null", b"true", b"1.5", b'"x"', b'""', b"[]")),
        *(
            (each, None)
            for each in (b"{}", b'"-7"', b'"1e3"', b'"1234567890123"', b"9" * 5000, None)
        ),
    ],
)
def test_a_total_is_a_positive_count(raw: bytes | None, total: int | None) -> None:
    assert total_of(None if raw is None else msgspec.Raw(raw)) == total


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.text(max_size=10)
    | st.floats(allow_nan=True),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(sent=st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), max_size=3))
def test_any_json_that_python_writes_is_read(sent: list[dict[str, Any]]) -> None:
    read = records(json.dumps({"message": sent}).encode())
    assert len(read) == len(sent)
    assert json.dumps(read, default=float) is not None


@given(data=st.data())
def test_a_damaged_body_is_read_or_refused_with_a_name(data: st.DataObject) -> None:
    sent = (
        '{"status":"success","message":[{"ticketId":"1","x":"\\u0905\\ud83d\\ude00","n":-1.5e3}]}'
    )
    body = bytearray(sent.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        piece = data.draw(st.binary(max_size=2) | st.sampled_from([b'"', b"\\", b"{", b"]", b"0"]))
        body[at : at + data.draw(st.integers(0, 3))] = piece
        if not body:
            break
    utf8, _ = to_utf8(bytes(body), JSON)
    try:
        envelope = decode_envelope(utf8)
    except (KaptureTransientError, KaptureResponseError):
        return
    for value in envelope.values():
        text_of(value)
        total_of(value)
        if bytes(value)[:1] == b"[":
            for row in rows_of(value):
                if bytes(row)[:1] == b"{":
                    json.dumps(record(row), default=str).encode()
