"""Each kind of column takes what can become it, and raises for what cannot."""

from __future__ import annotations

import html
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.contrib.msgspec import encoder

from tap_kapture.shape import values as converters
from tap_kapture.shape.cleaning import clean, verbatim, without_nul
from tap_kapture.shape.instants import instants_in
from tap_kapture.shape.values import DoesNotFitError

if TYPE_CHECKING:
    from collections.abc import Callable


READ = instants_in(pendulum.timezone("Asia/Kolkata"))
BLANKS = [None, "", " ", "\t\n", "\u00a0", "\0", " \0 "]
BIG = 2**63 - 1


def same(found: object, expected: object) -> bool:
    """Whether two values are equal and of one type, with the same digits."""
    return type(found) is type(expected) and str(found) == str(expected)


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(
    "convert",
    [
        converters.integer,
        converters.number,
        converters.boolean,
        lambda value: converters.text(value, cleaner=clean),
        lambda value: converters.texts(value, cleaner=clean),
        lambda value: converters.free_object(value, cleaner=clean),
        lambda value: converters.objects(value, shape=dict),
        lambda value: converters.instant(value, read=READ),
    ],
)
def test_null_and_blank_text_are_null_in_every_kind(
    blank: object, convert: Callable[[object], object]
) -> None:
    assert convert(blank) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (-7, -7),
        ("0", 0),
        ("42", 42),
        (" 42 ", 42),
        ("+42", 42),
        ("-42", -42),
        ("007", 7),
        ("42.0", 42),
        ("4.2e1", 42),
        (Decimal("42.000"), 42),
        (Decimal("4.2E+1"), 42),
        (BIG, BIG),
        (str(BIG), BIG),
        (-BIG, -BIG),
    ],
)
def test_whole_numbers(value: object, expected: int) -> None:
    assert same(converters.integer(value), expected)


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, [], {}, [1], "x", "1 2", "1,000", "1_000", "0x10", "1.5", Decimal("1.5")),
        *(BIG + 1, str(BIG + 1), -BIG - 1, "1e19", "1e400", "9" * 400, Decimal("1e400")),
        *(
            "NaN",
            "nan",
            "Infinity",
            "-Infinity",
            "inf",
            "\u0663",
            "\u0967",
            "1e",
            "--1",
            "1.",
            ".5",
        ),
    ],
)
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(DoesNotFitError):
        converters.integer(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (Decimal("0.0"), Decimal("0.0")),
        (Decimal("0.10"), Decimal("0.10")),
        (Decimal("12345678901234567890.123456789"), Decimal("12345678901234567890.123456789")),
        ("0.10", Decimal("0.10")),
        (" -1.50 ", Decimal("-1.50")),
        ("12", 12),
        ("1e3", Decimal("1E+3")),
        ("1E-3", Decimal("0.001")),
        (Decimal("1e300"), Decimal("1e300")),
        (2**53, 2**53),
        (-(2**53), -(2**53)),
    ],
)
def test_numbers_keep_their_digits(value: object, expected: object) -> None:
    assert same(converters.number(value), expected)


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, [], {}, "x", "1.2.3", "1,5", "12abc", "1e", ".5", "1.", "\u0663.5", "$1"),
        *("NaN", "nan", "Infinity", "-inf", "1e301", "1e999", "1e-301", "1e99999", "9" * 301),
        *(Decimal("1e301"), Decimal("1e-400"), 10**301),
        *(BIG + 1, -BIG - 1, str(BIG + 1), 2**70, Decimal("12345678901234567890e0")),
    ],
)
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(DoesNotFitError):
        converters.number(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((each, True) for each in (True, 1, "1", "true", "True", "TRUE", " true ")),
        *((each, False) for each in (False, 0, "0", "false", "False", "FALSE", " 0")),
    ],
)
def test_booleans_in_every_form(value: object, expected: bool) -> None:  # noqa: FBT001 - a case
    assert converters.boolean(value) is expected


@pytest.mark.parametrize(
    "value", [2, -1, "2", "yes", "no", "Y", "on", "t", "1.0", Decimal(1), Decimal("0.0"), [], {}]
)
def test_what_is_no_boolean(value: object) -> None:
    with pytest.raises(DoesNotFitError):
        converters.boolean(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("  kept  ", "  kept  "),
        ("Asha &apos;A&apos; Rao", "Asha 'A' Rao"),
        (12, "12"),
        (2**70, str(2**70)),
        (Decimal("1.50"), "1.50"),
        (Decimal("1.0"), "1.0"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
    ],
)
def test_numbers_and_booleans_become_text_as_json_writes_them(value: object, expected: str) -> None:
    assert same(converters.text(value, cleaner=clean), expected)


@pytest.mark.parametrize("value", [[], {}, ["x"], {"a": 1}])
def test_what_is_no_text(value: object) -> None:
    with pytest.raises(DoesNotFitError):
        converters.text(value, cleaner=clean)


@pytest.mark.parametrize("value", ["", " ", "&lt;", "a\0b"])
def test_text_is_verbatim_when_it_is_not_to_be_cleaned(value: str) -> None:
    assert converters.text(value, cleaner=verbatim) == value
    assert converters.texts([value], cleaner=verbatim) == [value]
    assert converters.free_object({"a": value}, cleaner=verbatim) == {"a": value}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["&lt;", "", None, " ", "\0"], ["<"]),
        (["", None], []),
        ([1, True, Decimal("1.50")], ["1", "true", "1.50"]),
        ([{"b": [1, None], "a": "\u0905"}], ['{"b":[1,null],"a":"\u0905"}']),
        ([[]], ["[]"]),
    ],
)
def test_an_element_that_is_no_text_becomes_json_text(
    value: list[object], expected: list[object]
) -> None:
    assert converters.texts(value, cleaner=clean) == expected


@pytest.mark.parametrize("value", ["text", 1, True, {}, {"0": "a"}, Decimal(1)])
def test_what_is_no_list_of_text(value: object) -> None:
    with pytest.raises(DoesNotFitError):
        converters.texts(value, cleaner=clean)


def test_an_object_is_cleaned_at_every_depth() -> None:
    value = {"a": {"b": ["&amp;", " ", {"c\0": "x\0"}]}, "n": Decimal("1.50"), "t": True}
    expected = {"a": {"b": ["&", None, {"c": "x"}]}, "n": Decimal("1.50"), "t": True}
    assert converters.free_object(value, cleaner=clean) == expected
    assert converters.free_object({}, cleaner=clean) == {}


@pytest.mark.parametrize("value", ["text", 1, True, [], [{}]])
def test_what_is_no_object(value: object) -> None:
    with pytest.raises(DoesNotFitError):
        converters.free_object(value, cleaner=clean)


def test_objects_are_shaped_one_by_one() -> None:
    def shape(raw: dict[str, Any]) -> dict[str, Any]:
        return {"shaped": raw}

    assert converters.objects([{"a": 1}, {}], shape=shape) == [
        {"shaped": {"a": 1}},
        {"shaped": {}},
    ]
    assert converters.objects([], shape=shape) == []


@pytest.mark.parametrize("value", ["text", 1, {}, {"a": 1}, [{}, None], [{}, 1], ["x"]])
def test_what_is_no_list_of_objects(value: object) -> None:
    with pytest.raises(DoesNotFitError):
        converters.objects(value, shape=dict)


@pytest.mark.parametrize("value", [1713516540, 0, True, Decimal(1), [], "soon", {"year": 2024}])
def test_what_is_no_instant(value: object) -> None:
    with pytest.raises(ValueError, match=r"^$|not|range"):
        converters.instant(value, read=READ)


def test_instants_may_have_blanks_around_them() -> None:
    found = converters.instant(" 19-04-2024 14:19\0", read=READ)
    assert found == "2024-04-19T08:49:00+00:00"


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;b&gt;", "<b>"),
        ("a &amp; b", "a & b"),
        ("&amp;lt;", "&lt;"),  # once
        ("&amp;amp;amp;", "&amp;amp;"),
        ("&nbsp;x", "\u00a0x"),
        ("&notin;", "\u2209"),
        ("&not;it", "\u00acit"),
        ("&notit;", "&notit;"),
        ("&ampx;", "&ampx;"),
        ("&lt", "&lt"),  # only with ;
        ("a&b", "a&b"),
        ("?x=1&copy=2", "?x=1&copy=2"),
        ("&;", "&;"),
        ("&#;", "&#;"),
        ("&#x;", "&#x;"),
        ("&nosuch;", "&nosuch;"),
        ("&#1;", "&#1;"),  # no character of its own
        ("&#2309;", "\u0905"),
        ("&#x1F600;", "\U0001f600"),
    ],
)
def test_entities_are_undone_once_and_only_with_their_semicolon(
    escaped: str, expected: str
) -> None:
    assert clean(escaped) == expected
    assert clean([escaped]) == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\0b", "ab"),
        ("\0", None),
        ("&nbsp;", None),
        ("\u2003", None),
        ("&#32;", None),
        ({"a\0": "\0"}, {"a": None}),
        (7, 7),
        (None, None),
        (True, True),
    ],
)
def test_nul_is_dropped_and_blank_text_becomes_null(value: object, expected: object) -> None:
    assert clean(value) == expected


@pytest.mark.parametrize("clean_text", [True, False])
def test_null_never_stands_in_a_list_of_text(clean_text: bool) -> None:  # noqa: FBT001 - a case
    value = ["a", None, "", " ", 1, None]
    kept = ["a", "1"] if clean_text else ["a", "", " ", "1"]
    assert converters.texts(value, cleaner=clean if clean_text else verbatim) == kept


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (BIG, b"9223372036854775807.0"),
        (str(2**53 + 1), b"9007199254740993.0"),
        (-(2**53) - 1, b"-9007199254740993.0"),
        (Decimal("9007199254740993e0"), b"9007199254740993.0"),
        (2**53, b"9007199254740992"),
        (Decimal("1e30"), b"1E+30"),
        (Decimal("10000000000000000000.0"), b"10000000000000000000.0"),
    ],
)
def test_no_column_of_numbers_holds_a_whole_number_that_no_double_equals(
    value: object, written: bytes
) -> None:
    """Pyarrow refuses 2**53 + 1 for a double where it is written without a point."""
    assert encoder.encode(converters.number(value)) == written


def test_what_is_kept_raw_loses_only_nul() -> None:
    raw = {"a\0": ["&lt;\0", "", " ", None, 1, {"b": "\0"}]}
    assert without_nul(raw) == {"a": ["&lt;", "", " ", None, 1, {"b": ""}]}


TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("&;#x\0 '<"), max_size=30)


@given(text=TEXTS)
def test_cleaning_undoes_html_escaping(text: str) -> None:
    kept = text.replace("\0", "")
    assert clean(html.escape(text)) == (kept if kept.strip() else None)


@given(text=TEXTS)
def test_cleaned_text_holds_no_nul_and_is_never_blank(text: str) -> None:
    cleaned = clean(text)
    assert cleaned is None or (cleaned.strip() and "\0" not in cleaned)
    assert "&" in text or cleaned is None or cleaned == text.replace("\0", "")
