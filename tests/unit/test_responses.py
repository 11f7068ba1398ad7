"""Every answer is read as what it means; no error shows a secret, an address or a long text."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.errors import (
    KaptureAuthError,
    KaptureError,
    KaptureRequestError,
    KaptureResponseError,
    KaptureThrottledError,
    KaptureTransientError,
)
from tap_kapture.wire import answers as responses
from tap_kapture.wire.answers import Answer, AnswerParser
from tap_kapture.wire.gate import MAX_RETRY_AFTER
from tap_kapture.wire.request import Reply
from tap_kapture.wire.texts import MAX_QUOTE, Meanings

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "c2VjcmV0OnRva2Vu"  # noqa: S105 - a made-up secret is what must not be shown
API_KEY = "key-9f8e7d"
READER = AnswerParser(secrets=(TOKEN, API_KEY))
PATH = "/select-ticket.html"


def answer(
    body: object = "", status: int = 200, *, reader: AnswerParser = READER, **headers: str
) -> Answer:
    """Read an answer whose body is JSON, or bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return reader.parse(Reply(status, {"content-type": "application/json", **named}, raw, PATH))


def failed(text: object, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return an envelope of a failure."""
    return {"status": "failed", "message": text, **more}


def rows(found: Answer) -> list[object]:
    """Return the records of an answer."""
    return [json.loads(bytes(each)) for each in found.rows]


# Success


@pytest.mark.parametrize("status", ["status", "Status", "STATUS"])
@pytest.mark.parametrize("message", ["message", "Message"])
@pytest.mark.parametrize("word", ["success", "Success", " SUCCESS "])
def test_records_are_read_in_both_spellings(status: str, message: str, word: str) -> None:
    assert rows(answer({status: word, message: [{"a": 1}, {"a": 2}]})) == [{"a": 1}, {"a": 2}]


def test_a_single_object_is_one_record() -> None:
    assert rows(answer({"status": "success", "message": {"a": [1]}})) == [{"a": [1]}]


@pytest.mark.parametrize("key", ["totalCount", "totalcount", "TotalCount"])
@pytest.mark.parametrize(("sent", "total"), [(7, 7), ("7", 7), (0, None), (None, None)])
def test_the_total_is_read(key: str, sent: object, total: int | None) -> None:
    assert answer({"status": "success", "message": [], key: sent}).total == total


SPELLINGS = ["status", "Status", "message", "MESSAGE", "totalCount", "totalcount", "more"]
PARTS = st.sampled_from(
    ["success", "Success ", "failed", "", [], [{"a": 1}, {"b": [2]}], {"a": 1}, None, 0, 3, "3"]
)


@given(
    envelope=st.dictionaries(st.sampled_from(SPELLINGS), PARTS, max_size=5),
    more=st.dictionaries(st.sampled_from(["status", "message"]), PARTS, min_size=2),
)
def test_the_usual_envelope_is_read_as_any_other(
    envelope: dict[str, object], more: dict[str, object]
) -> None:
    def found() -> object:
        try:
            whole = answer(envelope | more)
        except KaptureError as error:
            return type(error), str(error)
        return rows(whole), whole.total, whole.replaced

    at_once = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(responses, "decode_usual", lambda _: None)
        assert at_once == found()


def test_rows_stay_json_with_every_digit() -> None:
    found = answer(b'{"status": "success", "message": [{"n": 1.50, "t": "\\u0905"}]}')
    assert [bytes(each) for each in found.rows] == [b'{"n": 1.50, "t": "\\u0905"}']


def test_characters_that_are_not_valid_are_counted() -> None:
    body = '{"status": "success", "message": [{"t": "\x81\x81"}]}'.encode("latin-1")
    assert answer(body, content_type="text/html; charset=windows-1252").replaced == 2


EMPTY: list[str | list[object] | None] = [
    *([], None, "", " ", "No tickets found", "No Tickets Found.", "no ticket found", "No data"),
    *(
        "No records found!",
        "No customers found",
        "No data available",
        "no results",
        "NO DATA FOUND",
    ),
    *("No such records exist", "No records were found", "  No  record  exists. "),
    *("No customer found", "No ticket was found.", "No more records", "No records available"),
    *("Data not found", "records were not found.", "No matching tickets found"),
]


@pytest.mark.parametrize("message", EMPTY)
def test_every_known_way_to_say_no_records_is_an_empty_day(message: object) -> None:
    assert answer({"status": "success", "message": message}) == Answer([])


@pytest.mark.parametrize("message", [m for m in EMPTY if m and str(m).strip()])
def test_no_records_may_be_said_as_a_failure(message: str) -> None:
    assert answer(failed(message)) == Answer([])
    assert answer({"Status": "failed", "Message": message}) == Answer([])


@pytest.mark.parametrize("empty", [b"{}", b"{ }", b"{\n}", b'"{}"', b'"[]"', b'" [ ] "'])
def test_an_object_without_fields_is_an_empty_day(empty: bytes) -> None:
    assert answer(b'{"status": "success", "message": ' + empty + b"}") == Answer([])


@pytest.mark.parametrize("encoded", [json.dumps([{"a": 1.50}, {"b": "\u0905"}]), '{"a": 1.50}'])
@pytest.mark.parametrize("around", ["", " ", "\n", "\ufeff"])
def test_records_that_were_encoded_twice_are_read(encoded: str, around: str) -> None:
    sent = {"status": "success", "message": f"{around}{encoded}{around}", "totalCount": 2}
    found = answer(sent)
    wanted = json.loads(encoded)
    assert rows(found) == (wanted if isinstance(wanted, list) else [wanted])
    assert found.total == 2


def test_records_that_were_encoded_twice_are_read_as_leniently_as_others() -> None:
    found = answer({"status": "success", "message": '[{"a": "x\ty", "b": "\\ud83d"}]'})
    assert rows(found) == [{"a": "x\ty", "b": "\ufffd"}]
    body = b'{"status": "success", "message": "[{\\"a\\": \\"\xff\\"}]"}'
    assert (rows(answer(body)), answer(body).replaced) == ([{"a": "\ufffd"}], 1)


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "Asha Rao", "no data": 1}',
        '{"name": "Asha Rao"',
        "[Asha Rao]",
        "[No data]",
        " \n{Asha Rao}",
        "\ufeff[Asha Rao",
        "[" * 100_000,
        '[{"name": "Asha Rao"}] No data',
    ],
)
def test_a_text_that_begins_like_json_and_is_none_is_refused_and_not_quoted(text: str) -> None:
    reader = AnswerParser(Meanings(no_data=(re.compile("no data", re.IGNORECASE),)))
    with pytest.raises(KaptureResponseError, match="begins like JSON but is none") as caught:
        answer({"status": "success", "message": text}, reader=reader)
    assert leaks(caught.value) == []
    with pytest.raises(KaptureRequestError, match=r"unknown text '\[not shown\]'") as failure:
        answer(failed(text), reader=reader)
    assert leaks(failure.value) == []
    with pytest.raises(KaptureRequestError, match=r"HTTP 400 and '\[not shown\]'") as refused:
        answer(failed(text), 400, reader=reader)
    assert leaks(refused.value) == []


def leaks(error: KaptureError) -> list[str]:
    """What an error shows of a record."""
    shown = f"{error} {error!r} {error.__cause__} {error.__context__}"
    return [word for word in ("Asha", "Rao", "name") if word in shown]


@pytest.mark.parametrize(
    "text",
    [
        'Error for [{"name": "Asha Rao"}]',
        "Error for {'name': 'Asha Rao'}",
        '"[{\\"name\\": \\"Asha Rao\\"}]"',
        'Error: { "name" : "Asha Rao" }',
    ],
)
def test_json_inside_a_text_is_not_quoted(text: str) -> None:
    for body, status in [(failed(text), 200), (failed(text), 400)]:
        with pytest.raises(KaptureRequestError) as caught:
            answer(body, status)
        assert leaks(caught.value) == []
        assert "[not shown]" in str(caught.value)


def test_a_success_without_a_message_has_no_records() -> None:
    assert answer({"status": "success"}) == Answer([])


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"data": [{"ticketId": "1"}]}, KaptureResponseError),
        ({"errors": [{"code": 7}], "message": []}, KaptureResponseError),
        ({"errorMessage": "ServerFailure", "message": []}, KaptureTransientError),
        ({"error": "Invalid Auth Key", "message": None}, KaptureAuthError),
        ({"reason": "Too many requests", "message": ""}, KaptureThrottledError),
    ],
)
def test_an_answer_without_records_is_not_empty_if_another_key_speaks_against_it(
    more: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        answer({"status": "success", **more})


def test_further_keys_that_say_nothing_of_a_failure_leave_a_day_empty() -> None:
    more = {"requestId": "a1", "errorCode": 0, "error": None, "errors": [], "meta": {"page": 1}}
    assert answer({"status": "success", "message": [], **more}) == Answer([])


def test_further_texts_for_no_records_can_be_configured() -> None:
    reader = AnswerParser(Meanings(no_data=(re.compile("nichts gefunden", re.IGNORECASE),)))
    assert answer(failed("Leider Nichts gefunden."), reader=reader) == Answer([])
    text = {"status": "success", "message": "nichts gefunden"}
    assert answer(text, reader=reader) == Answer([])
    with pytest.raises(KaptureAuthError):
        answer(failed("Invalid Auth Key, nichts gefunden"), reader=reader)


@pytest.mark.parametrize("message", [7, 0, True, False, 1.5])
def test_a_success_with_anything_else_is_refused(message: object) -> None:
    with pytest.raises(KaptureResponseError, match="a number or a boolean"):
        answer({"status": "success", "message": message})


@pytest.mark.parametrize(
    "text",
    [
        *("ok", "No access to tickets found", "not found", "no", "There are no tickets"),
        *("No datax", "No valid customer found", "No permitted records", "Customer not found"),
        *("No active tickets found", "No authorised data", "Tickets not found yet"),
    ],
)
def test_a_success_with_an_unknown_text_is_refused_quoting_it(text: str) -> None:
    with pytest.raises(KaptureResponseError, match=f"the text '{text}'.*no_data_messages"):
        answer({"status": "success", "message": text})


@pytest.mark.parametrize(
    "body", [{}, {"message": []}, {"status": None}, {"status": 1}, {"status": ["success"]}]
)
def test_an_envelope_without_a_status_is_no_kapture_answer(body: object) -> None:
    with pytest.raises(KaptureResponseError, match="has no 'status'"):
        answer(body)


# Failures with HTTP 200


@pytest.mark.parametrize(
    "text",
    [
        *("Invalid Auth Key", "AuthKeyInvalid", "APIExpired", "apiexpired.", "API Expired"),
        *("Auth Key Expired", "AuthKeyExpired", "auth key expired.", " AUTH_KEY_EXPIRED: renew it"),
    ],
)
@pytest.mark.parametrize("spelling", [str.lower, str.title])
@pytest.mark.parametrize("status", ["failed", "Fail"])
def test_a_credential_that_is_not_accepted_says_how_to_fix_it(
    text: str, spelling: Callable[[str], str], status: str
) -> None:
    body = {spelling("status"): status, spelling("message"): text}
    with pytest.raises(KaptureAuthError, match="Check 'auth_token'") as caught:
        answer(body)
    assert text.strip() in str(caught.value)


@pytest.mark.parametrize(
    ("body", "status"), [(failed("Auth Key Expired"), 200), (failed("APIExpired"), 400), ({}, 401)]
)
def test_the_setting_that_holds_the_credential_is_named(body: object, status: int) -> None:
    reader = AnswerParser(token_setting="customers_auth_token")  # noqa: S106 - the name of the setting
    with pytest.raises(KaptureAuthError, match="Check 'customers_auth_token'"):
        answer(body, status, reader=reader)


BUSY = [
    *(
        "Too many requests",
        "too many calls, slow down",
        "Rate limit exceeded.",
        "API limit reached",
    ),
    *("Request limit has been exceeded", "Please try again later", "Retry after some time"),
    *("Service Unavailable", "Service is temporarily unavailable", "Server busy", "server is busy"),
]


@pytest.mark.parametrize("text", BUSY)
@pytest.mark.parametrize(
    ("status", "envelope"), [(200, "failed"), (200, "success"), (400, "failed"), (403, "Fail")]
)
def test_a_text_that_asks_for_patience_is_a_failure_that_passes(
    text: str, status: int, envelope: str
) -> None:
    with pytest.raises(KaptureThrottledError, match="asks for patience with") as caught:
        answer({"status": envelope, "message": text}, status)
    assert caught.value.retry_after is None
    with pytest.raises(KaptureThrottledError) as caught:
        answer({"status": envelope, "message": text}, status, retry_after="7")
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize("text", ["too many requestors", "unlimited", "try the later API", "busy"])
def test_a_text_that_only_resembles_one_is_unknown(text: str) -> None:
    with pytest.raises(KaptureRequestError, match="unknown text"):
        answer(failed(text))


@pytest.mark.parametrize("status", [200, 400, 404, 409, 422])
def test_further_texts_that_pass_can_be_configured(status: int) -> None:
    both = re.compile("komm wieder", re.IGNORECASE)
    reader = AnswerParser(Meanings(no_data=(both,), busy=(both,)))
    with pytest.raises(KaptureThrottledError, match="'Bitte komm wieder'"):
        answer(failed("Bitte komm wieder"), status, reader=reader)
    with pytest.raises(KaptureThrottledError):
        answer(failed("Invalid Json. Komm wieder"), status, reader=reader)
    with pytest.raises((KaptureAuthError, KaptureRequestError)) as caught:
        answer(failed("Invalid Auth Key, komm wieder"), status, reader=reader)
    assert not isinstance(caught.value, KaptureTransientError)


@pytest.mark.parametrize("text", ["ServerFailure", "serverfailure", " ServerFailure. "])
def test_a_failure_of_the_server_is_worth_another_try(text: str) -> None:
    with pytest.raises(KaptureTransientError):
        answer(failed(text))


@pytest.mark.parametrize(
    "text",
    [
        *("Invalid Json.", "invalid json", "ticket_ids are missing.", "ReqFieldMissing"),
        *("either start_date is null or blank", "Either start_date is null or blank."),
    ],
)
def test_a_request_that_is_wrong_is_named(text: str) -> None:
    with pytest.raises(KaptureRequestError, match=r"refused the request.*cm_id") as caught:
        answer(failed(text))
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("Something new", "Permission denied", "Tickets not found yet"),
        *("No valid customer found", "No permitted records", "Customer not found"),
    ],
)
@pytest.mark.parametrize("status", ["failed", "Fail", "failure", "Error", "pending", ""])
def test_an_unknown_failure_is_never_no_records(text: str, status: str) -> None:
    with pytest.raises(KaptureRequestError, match=f"unknown text '{text}'"):
        answer({"status": status, "message": text})


@pytest.mark.parametrize("message", [None, "", " ", [], [{"ticketId": "1"}], {"a": 1}, 7])
def test_a_failure_without_a_text_is_never_no_records(message: object) -> None:
    with pytest.raises(KaptureRequestError, match="unknown text ''"):
        answer(failed(message))


BLANK = AnswerParser(Meanings(no_data=(re.compile("^$"),)))
"""Reads answers of an account whose failures without a text mean an empty day."""


@pytest.mark.parametrize("message", [b"null", b'""', b'" "', b"[]", b"[ ]", b"{}", b"{\n}"])
@pytest.mark.parametrize("keys", [(b"status", b"message"), (b"Status", b"Message")])
def test_a_failure_without_a_text_can_be_configured_as_an_empty_day(
    message: bytes, keys: tuple[bytes, bytes]
) -> None:
    body = b'{"%b": "failed", "%b": %b}' % (*keys, message)
    with pytest.raises(KaptureRequestError, match=r"add the pattern '\^\$' to 'no_data_messages'"):
        answer(body)
    assert answer(body, reader=BLANK) == Answer([])


@pytest.mark.parametrize(
    "body",
    [
        {"status": "failed"},
        {"status": "failed", "error": "quota"},
        *(failed([{"ticketId": "1"}]), failed({"a": 1}), failed([[]])),
        *(failed(0), failed(7), failed(text=True), failed(text=False)),
    ],
)
def test_a_failure_with_something_else_than_a_text_is_never_an_empty_day(body: object) -> None:
    for reader in (READER, BLANK):
        with pytest.raises(KaptureRequestError, match="Ask Kapture support what") as caught:
            answer(body, reader=reader)
        assert "no_data_messages" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "status"),
    [(failed("Something new"), 200), (failed(None), 400), ({}, 401), (b"", 403), (failed(""), 404)],
)
def test_a_failure_that_is_stated_otherwise_is_not_taken_for_one_without_a_text(
    body: object, status: int
) -> None:
    with pytest.raises((KaptureAuthError, KaptureRequestError)):
        answer(body, status, reader=BLANK)


def test_a_failure_without_a_message_is_never_no_records() -> None:
    with pytest.raises(KaptureRequestError):
        answer({"status": "failed"})


# Other bodies with HTTP 200


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Sign in</html>", b'{"status": "success", "message": [{"a"', b"Service down"],
)
def test_what_is_not_json_is_worth_another_try(body: bytes) -> None:
    with pytest.raises(KaptureTransientError, match="the body is not JSON"):
        answer(body, content_type="text/html")


def test_json_from_elsewhere_is_refused() -> None:
    with pytest.raises(KaptureResponseError):
        answer([{"ticketId": "1"}])
    with pytest.raises(KaptureResponseError, match="unknown charset 'x-none'"):
        answer({}, content_type="text/html; charset=x-none")


# HTTP statuses


@pytest.mark.parametrize("status", [401, 403])
def test_401_and_403_are_about_the_credential(status: int) -> None:
    with pytest.raises(KaptureAuthError, match=f"HTTP {status}.*auth_token"):
        answer(b"<html>", status)


@pytest.mark.parametrize("status", [408, 500, 501, 502, 504, 520, 599])
def test_a_failure_that_may_pass_is_worth_another_try(status: int) -> None:
    with pytest.raises(KaptureTransientError, match=f"HTTP {status}") as caught:
        answer(b"<html>", status)
    assert not isinstance(caught.value, KaptureThrottledError)


@pytest.mark.parametrize("status", [204, 206, 400, 405, 413, 415, 422, 431])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>secret body</html>", ""),
        (b"", ""),
        (b'{"status": "failed", "message": "start_date is odd"}', " and 'start_date is odd'"),
        (b'{"message": ["a list"]}', ""),
        (b'["secret body"]', ""),
    ],
)
def test_any_other_status_stops_the_run_quoting_at_most_the_message(
    status: int, body: bytes, said: str
) -> None:
    with pytest.raises(KaptureRequestError) as caught:
        answer(body, status)
    what, advice = str(caught.value).split(". ", 1)
    assert what == f"Kapture refused the request with HTTP {status}{said}"
    assert advice.startswith("Check cm_id")
    assert "secret" not in advice


def test_a_known_credential_text_is_one_with_any_status() -> None:
    with pytest.raises(KaptureAuthError, match="Invalid Auth Key"):
        answer(failed("Invalid Auth Key"), 400)


def test_404_names_the_path_and_the_other_known_ones() -> None:
    with pytest.raises(KaptureRequestError, match=r"nothing at /select-ticket\.html") as caught:
        answer(b"<html>", 404, reader=AnswerParser(other_paths=("/ms/customers", "/old")))
    assert "/ms/customers or /old" in str(caught.value)
    with pytest.raises(KaptureRequestError) as caught:
        answer(b"<html>", 404)
    assert "Some accounts" not in str(caught.value)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize(
    ("location", "host"),
    [
        (f"https://login.example.com/sso?next=/x&token={TOKEN}", "login.example.com"),
        ("//other.example.com:8443/", "other.example.com"),
        ("/login", "another page"),
        ("", "another page"),
        ("http://[", "another page"),
        (f"https://{TOKEN.lower()}@evil.example.com/", "evil.example.com"),
    ],
)
def test_a_redirect_names_the_host_and_nothing_else_of_the_address(
    status: int, location: str, host: str
) -> None:
    with pytest.raises(KaptureRequestError) as caught:
        answer(b"", status, location=location)
    text = str(caught.value)
    assert text.startswith(f"HTTP {status} redirects to {host}, which is not followed")
    assert TOKEN.lower() not in text.lower()


# Retry-After


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("600", 600.0),
        ("601", 600.0),
        ("999999999", 600.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 600.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("Wed, 21 Oct 2015 07:28:00", 0.0),
    ],
)
def test_the_server_says_how_long_to_wait(status: int, header: str, seconds: float) -> None:
    with pytest.raises(KaptureThrottledError, match=f"HTTP {status}") as caught:
        answer(b"", status, retry_after=header)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(("ahead", "least", "most"), [(120, 60, 121), (86_400, 600, 600)])
def test_a_wait_until_a_date_is_what_is_left_of_it(ahead: int, least: int, most: int) -> None:
    until = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=ahead)
    with pytest.raises(KaptureThrottledError) as caught:
        answer(b"", 429, retry_after=format_datetime(until, usegmt=True))
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most


ABSURD = [
    f"Wed, 21 Oct 2015 07:28:00 {zone}" for zone in ("+99999999999999999999", "-99999999999999")
]
"""Dates whose zone is beyond any."""


@pytest.mark.parametrize(
    "header",
    ["", "soon", "-5", "1e3", "NaN", "inf", "1,5", "1 2", "Mon, 99 Foo 2024 1:2:3 GMT", *ABSURD],
)
def test_a_wait_that_cannot_be_read_is_none(header: str) -> None:
    with pytest.raises(KaptureThrottledError) as caught:
        answer(b"", 429, retry_after=header)
    assert caught.value.retry_after is None


@pytest.mark.parametrize("date", ["", "soon", *ABSURD])
def test_a_date_of_the_server_that_cannot_be_read_is_as_if_absent(date: str) -> None:
    with pytest.raises(KaptureThrottledError) as caught:
        answer(b"", 429, retry_after="Fri, 31 Dec 9999 23:59:59 GMT", date=date)
    assert caught.value.retry_after == MAX_RETRY_AFTER


NUMBERS = st.integers(-10, 10**20).map(str)
DATES = st.builds(
    "Wed, {} {} {} {}:{}:{} {}".format,
    *(NUMBERS, st.sampled_from(["Jan", "Dec", "13"]), NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.sampled_from(["GMT", "EST", "", "-"]) | st.integers(-(10**30), 10**30).map("{:+}".format),
)


@given(header=st.text(st.characters(codec="latin-1"), max_size=40) | DATES, date=DATES)
def test_no_retry_after_breaks_the_run(header: str, date: str) -> None:
    with pytest.raises(KaptureThrottledError) as caught:
        answer(b"", 429, retry_after=header, date=date)
    wait = caught.value.retry_after
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


# What an error may show

PRIVATE = [
    "asha@example.com",
    "asha.rao+kapture@mail.example.co.in",
    "+91 98450 12345",
    "9845012345",
    "(080) 2345-6789",
    "080-2345.6789",
    TOKEN,
    API_KEY,
]


def error_of(body: object, status: int, headers: dict[str, str]) -> KaptureError:
    """Return the error that an answer is."""
    with pytest.raises(KaptureError) as caught:
        answer(body, status, reader=READER, **headers)
    return caught.value


def messages_of(text: str) -> list[str]:
    """Return what every error says in which a server's text could show."""
    answers: list[tuple[object, int, dict[str, str]]] = [
        (failed(text), 200, {}),
        ({"status": "success", "message": text}, 200, {}),
        (failed(f"Invalid Auth Key {text}"), 200, {}),
        (failed(f"Invalid Json. {text}"), 200, {}),
        (failed(f"ServerFailure {text}"), 200, {}),
        (failed(text), 400, {}),
        (failed(f"Invalid Auth Key {text}"), 400, {}),
        (failed(f"Try again later {text}"), 200, {}),
        (failed(text), 500, {}),
        (failed(text), 404, {}),
        ({"status": text, "message": text}, 200, {}),
        (text.encode(), 200, {"content_type": "text/html"}),
        (b"", 302, {"location": f"https://x.example/{text}"}),
        (b"", 429, {"retry_after": text}),
    ]
    errors = [error_of(*each) for each in answers]
    return [f"{error} {error!r} {error.args} {error.__cause__}" for error in errors]


@pytest.mark.parametrize("private", PRIVATE)
def test_no_error_shows_a_secret_or_an_address(private: str) -> None:
    for text in [
        private,
        f"user {private} is not known",
        f"a{private}b",
        f"<{private}>, '{private}'",
        "x" * (MAX_QUOTE - 4) + private,
        f"x\n{private}\ty",
    ]:
        for message in messages_of(text):
            assert private not in message
            assert private[:8] not in message


@given(before=st.text(max_size=30), after=st.text(max_size=30), private=st.sampled_from(PRIVATE))
def test_a_secret_is_masked_wherever_it_stands(before: str, after: str, private: str) -> None:
    assert private not in READER.quote(f"{before}{private}{after}")


@given(text=st.text(max_size=600))
def test_a_quote_is_one_short_line(text: str) -> None:
    quote = READER.quote(text)
    assert len(quote) <= MAX_QUOTE
    assert len(quote.splitlines()) <= 1


@pytest.mark.parametrize("length", [199, 200, 201, 5000])
def test_a_quote_has_at_most_200_characters(length: int) -> None:
    assert READER.quote("x" * length) == "x" * min(length, 200)
    with pytest.raises(KaptureRequestError) as caught:
        answer(failed("x" * length))
    assert "x" * 200 + "'" in str(caught.value) or length < 200
    assert "x" * 201 not in str(caught.value)


def test_the_longest_secret_is_masked_first() -> None:
    reader = AnswerParser(secrets=("abcdef", "abc"))
    assert reader.quote("x abcdef y abc") == "x [secret] y [secret]"


KEYED = base64.b64encode(b"api.user@acme:S3cr+t/p&ss?").decode()
"""A token with padding, and one whose characters are escaped in many ways."""


@pytest.mark.parametrize(
    "said",
    [
        KEYED,
        KEYED.rstrip("="),
        quote(KEYED, safe=""),
        quote(KEYED, safe="").replace("%3D", "%3d"),
        quote(quote(KEYED, safe=""), safe=""),
        KEYED.replace("=", "&#61;"),
        KEYED.replace("=", "&#x3D;"),
        f"Basic {KEYED}",
        *("api.user@acme", "S3cr+t/p&ss?", "api.user@acme:S3cr+t/p&ss?", "S3cr%2Bt%2Fp%26ss%3F"),
        *("S3cr+t/p&amp;ss?", "S3cr+t%2Fp&#38;ss?", "api.user%40acme"),
    ],
)
@pytest.mark.parametrize("secret", [KEYED, KEYED.rstrip("="), f"Bearer {KEYED}"])
def test_no_form_of_a_token_is_quoted(said: str, secret: str) -> None:
    shown = AnswerParser(secrets=(secret,)).quote(f"Invalid key {said}, or x{said}x (key={said})")
    assert shown.replace("Basic ", "") == ("Invalid key [secret], or x[secret]x (key=[secret])")


@pytest.mark.parametrize(
    ("token", "said", "shown"),
    [
        (b"acme:hunter2", "hunter2 of acme", "[secret] of [secret]"),
        (b"acme:hunter2", "k%3Ahunter2%26acme", "k%3A[secret]%26[secret]"),
        (b"acme:hunter2", "acmes hunter23", "acmes hunter23"),
        (b"me:abc", "me and abc, but me:abc", "me and abc, but [secret]"),
        (b"k\xf6nig:gr\xfc\xdfe", "k\xf6nig gr%C3%BC\xdfe", "[secret] [secret]"),
        (b"no colon in it", "no colon in it", "no colon in it"),
    ],
)
def test_the_user_and_the_password_in_a_token_are_masked(
    token: bytes, said: str, shown: str
) -> None:
    reader = AnswerParser(secrets=(base64.b64encode(token).decode(),))
    assert reader.quote(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("TICKETS are not for TICKET.", "TICKETS are not for [secret]."),
        ("x_TICKET, type=TICKET", "x_[secret], type=[secret]"),
        ("Ticket", "Ticket"),
    ],
)
def test_a_short_value_of_a_header_is_masked_as_a_word_only(said: str, shown: str) -> None:
    assert AnswerParser(secrets=("TICKET", "=", "")).quote(said) == shown


def test_a_mask_is_not_masked_again() -> None:
    assert AnswerParser(secrets=("the-token-itself", "secret")).quote("the-token-itself") == (
        "[secret]"
    )


def test_a_reader_does_not_show_its_secrets() -> None:
    assert TOKEN not in repr(READER)
