"""Customers by meaning: what each holds at a given instant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.account import words
from sandbox.account.clock import DAY, UTC, start_of, wall
from sandbox.account.columns import names
from sandbox.account.words import blank, happens, sometimes

if TYPE_CHECKING:
    from random import Random
    from zoneinfo import ZoneInfo

    from sandbox.account.account import Account
    from sandbox.account.columns import Row

_EPOCH = dt.date(2010, 1, 1).toordinal()
_MOST_CONTACTS = 3


@dataclass(frozen=True)
class Edit:
    """From an instant (UTC) on, a customer has another name and other contacts."""

    at: dt.datetime
    name: str
    contacts: tuple[Row, ...]


@dataclass(frozen=True)
class Customer:
    """A customer's whole life: what never changes, and the edits, the first at creation."""

    created: dt.datetime
    edits: tuple[Edit, ...]
    facts: Row

    def stage(self, now: dt.datetime) -> int:
        """How many edits there have been, on which alone depends how the record stands."""
        return sum(edit.at <= now for edit in self.edits)

    def at(self, now: dt.datetime, zone: ZoneInfo) -> Row:
        """The record as it stands at an instant not before its creation."""
        past = self.edits[: self.stage(now)]
        last = past[-1] if past else self.edits[0]
        return {
            **self.facts,
            "name": last.name,
            "contacts": [dict(contact) for contact in last.contacts],
            "lastModificationTime": wall(last.at, zone),
            "totalNoOfEnquiries": len(past),
        }


def customers_of(account: Account, day: dt.date) -> list[Customer]:
    """All customers that are ever created on a local day, by creation."""
    rng = account.generator("customers", day, "content")
    edit_before = start_of(day + 3 * DAY, account.zone)
    return [
        _customer(rng, account, index, created, edit_before)
        for index, created in enumerate(account.created("customers", day))
    ]


def ids_of(account: Account, day: dt.date) -> list[int]:
    """Ids of all customers that are ever created on a local day, by creation."""
    return [
        _identity(created, index) for index, created in enumerate(account.created("customers", day))
    ]


def contact_id(customer: int, nth: int) -> int:
    """Id of a customer's contact, counted from 0, whether or not there is one."""
    return customer * _MOST_CONTACTS + nth


def _identity(created: dt.datetime, index: int) -> int:
    return 100_000_000 + (created.toordinal() - _EPOCH) * 20_000 + index


def _customer(
    rng: Random,
    account: Account,
    index: int,
    created: dt.datetime,
    edit_before: dt.datetime,
) -> Customer:
    identity = _identity(created, index)
    contacts = tuple(
        _contact(rng, account, identity, contact_id(identity, nth), created)
        for nth in range(rng.choice((0, 1, 1, 1, 2, 3)))
    )
    start = created.astimezone(UTC)
    first = Edit(start, rng.choice(words.PEOPLE), contacts)
    edits = (first,) if account.static else (first, *_edits(rng, first, edit_before))
    return Customer(start, edits, _facts(rng, account, identity, created))


def _edits(rng: Random, first: Edit, edit_before: dt.datetime) -> list[Edit]:
    span = (edit_before - first.at).total_seconds()
    count = rng.choice((0, 0, 0, 0, 1, 2))
    instants = sorted(
        first.at + dt.timedelta(seconds=1 + int((span - 2) * rng.random())) for _ in range(count)
    )
    return [Edit(instant, rng.choice(words.PEOPLE), _edited(rng, first)) for instant in instants]


def _edited(rng: Random, first: Edit) -> tuple[Row, ...]:
    return tuple({**contact, "phone": words.phone(rng)} for contact in first.contacts)


def _facts(rng: Random, account: Account, identity: int, created: dt.datetime) -> Row:
    return {
        **_NOTHING,
        "id": identity,
        "cmId": account.cm_id,
        "isOrganization": happens(rng, 0.5),
        "website": sometimes(rng, 0.2, "https://shop.example.com/?a=1&b=2"),
        "address": sometimes(rng, 0.4, f"{rng.randrange(200)}, M.G. Road\nnear 'Clock Tower'"),
        "state": sometimes(rng, 0.3, "Karnataka"),
        "city": rng.choice(words.CITIES),
        "country": rng.choice(("India", "भारत", None, "")),
        "latitude": sometimes(rng, 0.2, "12.9716"),
        "longitude": sometimes(rng, 0.2, "77.5946"),
        "currentStatus": "N",
        "generationDate": created,
        "remarks": sometimes(rng, 0.3, rng.choice(words.DETAILS)),
        "customerCode": sometimes(rng, 0.3, f"C{identity % 10_000:04}"),
        "pinCode": sometimes(rng, 0.4, str(560_001 + rng.randrange(90))),
        "feedbackOnCustomer": rng.randrange(6),
        "syncdLocationId": rng.choice((0, 0, 731, None)),
        "imageReferenceId": f"CUS_{created:%Y-%m-%d %H:%M:%S}.{rng.randrange(1000)}",
        "maxCreditAmt": rng.choice((0.0, 1500.5, 99999.99, 0.1)),
        "maxCreditPeriod": rng.choice((0, 30, None)),
        "outStandingAmount": rng.randrange(100_000) / 100,
        "companyStatus": "A",
        "crossRemarks": blank(rng),
        "isExistingCustomer": happens(rng, 0.2),
    }


def _contact(
    rng: Random,
    account: Account,
    customer: int,
    identity: int,
    created: dt.datetime,
) -> Row:
    return {
        "id": identity,
        "cmId": account.cm_id,
        "leadId": customer,
        "contactPerson": rng.choice(words.PEOPLE),
        "gender": rng.choice((" ", "F", "M")),
        "phone": words.phone(rng),
        "additionalPhone": sometimes(rng, 0.2, words.phone(rng)),
        "email": sometimes(rng, 0.8, words.mail(rng)),
        "isPrimaryContact": identity % _MOST_CONTACTS == 0,
        "isActive": happens(rng, 0.9),
        "generationDate": created,
        "parentContactId": 0,
        "subOfficeId": 0,
        "creatorId": 0,
        "age": rng.choice((0, 34, None)),
        "maritalStatus": " ",
        "isGuest": False,
        "phoneCountryCode": sometimes(rng, 0.3, "91"),
        "enquiryId": 0,
        "orderId": 0,
        "isMergeEnable": False,
        "isMobileMasked": False,
        "isEmailMasked": False,
        "showBirthYear": False,
    }


_NOTHING: Row = {
    **dict.fromkeys(
        names(
            """creatorId channelPartnerId ratePlanId campaignId campaignItemId campaignActivityId
            customerLevel zone companyParentId assignedToId historyEmpId
            channelPartnerEmpId syncedStepNumber salesAdminZone referralId""",
        ),
        0,
    ),
    **dict.fromkeys(
        names(
            """isChannelPartner deleted isExistingContact syncStatus isApi""",
        ),
        False,
    ),
    **dict.fromkeys(["classification", "customerType"], ""),
}
