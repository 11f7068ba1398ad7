"""Every way in which accounts vary, as a switch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Quirks:
    """How an account answers; the defaults are a friendly one.

    Attributes:
        offset: what `offset` counts: rows, or pages from 0 or from 1, where 0 is like 1 or, with
            `strict`, a page without rows. `ignored` always starts at the beginning; `refused`
            refuses a request that has an `offset`, `refused_beyond_0` one whose is not 0.
            `sandbox.paging` has all of this and of `limit` as tables.
        limit: what `limit` is: the size of a page, the number of a page counted from 1 or from 0
            (of `page_cap` or 20 rows, wherever `offset` starts), or the row to stop before, with
            `offset` as the first. `ignored` sends all there is.
        page_cap: the most rows in a page, whatever `limit` says.
        paging_required: refuses a request without `limit` and `offset`, or without `limit` where
            `offset` is refused.
        short_pages: pages come short at random, but never empty before the end, where a request
            says with which row its page begins and rows keep their places.
        total_count: `totalCount` of tickets; `wrong` is always one too many, `wrong_once` only
            in the first reading of a day; `page` counts the rows of the page, `reached` those up
            to where the page would end if it were full, and `bounded` no more than ten.
        order: of the records in a day; `unstable` is another one in every answer.
        duplicates: some rows appear twice in a day.
        empty_day: what a day, or a page, without records looks like.
        single_object: a page of one record is that record instead of a list.
        ticket_dates: `v1` also has the older shape of record.
        customer_dates: how Java writes `generationDate`; `java_narrow` has U+202F before AM/PM.
        numbers_as_text: numbers come in quotes.
        text_as_numbers: text that is all digits comes without quotes.
        booleans: true and false, in quotes, or as "1" and "0".
        unknown_keys: records and contacts have keys that are no column.
        missing_keys: some columns are left out of some records.
        bad_dates: some dates cannot be read.
        bad_numbers: some numbers cannot be read.
        failure_keys: `capital` writes `Status` and `Message` when it fails.
        bad_token: the HTTP status for a wrong token.
        window: whether the end date's own day belongs to a request; if not, one from a day to the
            same day holds nothing.
        host_window: refuses a request for more than one day.
        charset: of the body, as declared.
        ascii_json: everything but ASCII is escaped in the JSON.
        nul_characters: some text holds U+0000.
    """

    offset: Literal[
        "rows",
        "pages",
        "pages_from_1",
        "pages_from_1_strict",
        "ignored",
        "refused",
        "refused_beyond_0",
    ] = "rows"
    limit: Literal["size", "page", "page_from_0", "last_row", "ignored"] = "size"
    page_cap: int | None = None
    paging_required: bool = False
    short_pages: bool = False
    total_count: Literal["null", "filled", "wrong_once", "wrong", "page", "reached", "bounded"] = (
        "null"
    )
    order: Literal["ascending", "descending", "shuffled", "unstable"] = "ascending"
    duplicates: bool = False
    empty_day: Literal["list", "null", "blank", "object", "text_success", "text_failed"] = "list"
    single_object: bool = False
    ticket_dates: Literal["v2", "v1"] = "v2"
    customer_dates: Literal["java", "java_comma", "java_narrow"] = "java"
    numbers_as_text: bool = False
    text_as_numbers: bool = False
    booleans: Literal["json", "text", "digits"] = "json"
    unknown_keys: bool = False
    missing_keys: bool = False
    bad_dates: bool = False
    bad_numbers: bool = False
    failure_keys: Literal["lower", "capital"] = "lower"
    bad_token: Literal["200", "401"] = "200"  # noqa: S105 - an HTTP status
    window: Literal["inclusive", "end_exclusive"] = "inclusive"
    host_window: bool = False
    charset: Literal["utf-8", "iso-8859-1"] = "utf-8"
    ascii_json: bool = False
    nul_characters: bool = False

    def __post_init__(self) -> None:
        """Refuse a value that no account has.

        Raises:
            ValueError: naming the quirk and its values.
        """
        hints = get_type_hints(Quirks)
        for quirk in fields(self):
            hint, value = hints[quirk.name], getattr(self, quirk.name)
            if get_origin(hint) is Literal and value not in get_args(hint):
                message = f"{quirk.name} is one of {', '.join(get_args(hint))}; not {value!r}"
                raise ValueError(message)
        if self.page_cap is not None and self.page_cap < 1:
            message = f"page_cap is at least 1, or None; not {self.page_cap!r}"
            raise ValueError(message)

    @classmethod
    def parse(cls, settings: list[str]) -> Quirks:
        """Quirks from `name=value` texts, as on a command line.

        Args:
            settings: such as `["order=shuffled", "page_cap=50", "duplicates=true"]`.

        Returns:
            The quirks; those not named keep their defaults.

        Raises:
            ValueError: a name or value that does not exist.
        """
        hints = get_type_hints(cls)
        values: dict[str, object] = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            if name not in hints:
                message = f"there is no quirk {name!r}; there are {', '.join(hints)}"
                raise ValueError(message)
            values[name] = _value(name, text, hints[name])
        return cls(**values)  # type: ignore[arg-type]  # checked by __post_init__


def _value(name: str, text: str, hint: object) -> object:
    if hint is bool:
        switches = {"true": True, "1": True, "": True, "false": False, "0": False}
        if text.lower() not in switches:
            message = f"{name} is true or false; not {text!r}"
            raise ValueError(message)
        return switches[text.lower()]
    if get_origin(hint) is Literal:
        return text
    if text.lower() == "none":
        return None
    if not text.isdigit():
        message = f"{name} is a whole number or none; not {text!r}"
        raise ValueError(message)
    return int(text)
