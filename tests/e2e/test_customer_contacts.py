"""The contacts of customers as rows: each once, with its customer, by a bookmark of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from still_account import ACCOUNT, FIRST, NOW, TODAY
from tap_process import Json, Output, asked, catalog_of, days, not_singer, pull, select, untruths

from sandbox import Quirks, Sandbox
from tap_kapture.errors import KaptureConfigError, KaptureIncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM = "customer_contacts"


@pytest.fixture
def account() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT, quirks=Quirks(unknown_keys=True)) as sandbox:
        yield sandbox


def selected(config: Json, *deselected: str) -> Json:
    catalog = catalog_of(config)
    select(catalog, STREAM, None, selected=True)
    for stream in deselected:
        select(catalog, stream, None, selected=False)
    return catalog


def contacts(sandbox: Sandbox) -> dict[object, Json]:
    """The contacts that the account holds, by id."""
    truth: Any = sandbox.truth("customers")
    return {
        contact["id"]: {**contact, "customerId": key, "day": customer["day"]}
        for key, customer in truth.items()
        for contact in customer["contacts"] or ()
    }


def table(output: Output) -> dict[object, Json]:
    return {row["id"]: row for row in output.records(STREAM)}


def test_each_contact_is_a_row_with_its_customer(account: Sandbox) -> None:
    output = pull(account.config(page_size=4), NOW, catalog=selected(account.config()))
    assert not_singer(output) == []
    assert len(contacts(account)) > 20
    assert untruths(table(output), contacts(account)) == []


def test_it_is_not_selected_by_default(account: Sandbox) -> None:
    output = pull(account.config(), NOW)
    assert STREAM not in {message.get("stream") for message in output.messages}


def test_selected_later_it_begins_at_the_start_date(account: Sandbox) -> None:
    first = pull(account.config(), account.now)
    account.advance(days=1)
    account.clear()
    catalog = selected(account.config(), "customers", "tickets")
    second = pull(account.config(), account.now, state=first.state, catalog=catalog)
    assert untruths(table(second), contacts(account)) == []
    assert asked(account, "customers") == days(FIRST, account.today)
    assert second.bookmark(STREAM)["pulled_from"] == FIRST.isoformat()
    assert second.bookmark("customers") == first.bookmark("customers")


def test_a_changed_customer_brings_the_contacts_of_the_day_again(account: Sandbox) -> None:
    config = account.config()
    first = pull(config, account.now, catalog=selected(config))
    account.advance(days=1)
    second = pull(config, account.now, state=first.state, catalog=selected(config))
    both = {**table(first), **table(second)}
    recent = {key: row for key, row in both.items() if row["day"] >= TODAY.isoformat()}
    now = {key: row for key, row in contacts(account).items() if row["day"] >= TODAY.isoformat()}
    assert untruths(recent, now) == []


def test_it_counts_the_customers_of_a_day(account: Sandbox) -> None:
    output = pull(account.config(), NOW, catalog=selected(account.config(), "customers"))
    told = {row["day"]: row for row in output.records("pulled_days") if row["stream"] == STREAM}
    for day in days(FIRST, TODAY):
        assert told[day.isoformat()]["records"] == len(account.truth_of_day("customers", day))


def test_an_account_that_cuts_its_days_is_told_the_setting_of_customers(account: Sandbox) -> None:
    account.quirks = Quirks(offset="ignored", page_cap=3)
    catalog = selected(account.config(), "customers", "tickets")
    with pytest.raises(KaptureIncompleteError, match=r"customer_contacts.* 'customers_paging'"):
        pull(account.config(), NOW, catalog=catalog)


def test_without_the_account_id_it_cannot_be_read(account: Sandbox) -> None:
    config = {name: value for name, value in account.config().items() if name != "cm_id"}
    with pytest.raises(KaptureConfigError, match="cm_id: customer_contacts is selected"):
        pull(config, NOW, catalog=selected(config))
