"""Tickets by meaning: what each holds at a given instant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.account import customers, words
from sandbox.account.clock import DAY, UTC, skipped_walls, start_of, wall
from sandbox.account.lifecycle import Event, settled, story
from sandbox.account.words import happens, sometimes

if TYPE_CHECKING:
    from random import Random
    from zoneinfo import ZoneInfo

    from sandbox.account.account import Account
    from sandbox.account.columns import Row

_EPOCH = dt.date(2010, 1, 1).toordinal()
_DAYS_OF_CALLERS = 7
_SOURCES = ("Mobile App", "E-mail", "Phone", "WhatsApp", "Web <form>")


@dataclass(frozen=True)
class Ticket:
    """A ticket's whole life: what never changes, and what happens to it."""

    created: dt.datetime
    events: tuple[Event, ...]
    facts: Row
    next_follow_up: dt.datetime
    rating: int | None
    first_conversation: int

    def stage(self, now: dt.datetime) -> int:
        """How many events there have been, on which alone depends how the record stands."""
        return sum(event.at <= now for event in self.events)

    def at(self, now: dt.datetime, zone: ZoneInfo) -> Row:
        """The record as it stands at an instant not before its creation."""
        past = self.events[: self.stage(now)]
        last = past[-1] if past else self.events[0]
        done = not last.ongoing
        told = wall(last.at, zone)
        conversations = len(past) + (2 if done else 0)
        return {
            **self.facts,
            "status": last.status,
            "substatus": last.substatus,
            "substatusKey": last.substatus_key,
            "nextFollowUp": None if done else self.next_follow_up,
            "lastFollowUp": told if len(past) > 1 else None,
            "lastConvesationTime": told,
            "taskEnddate": told if done else None,
            "mergedTicketId": self.facts["ticketId"] if last.status == "Merged" else "",
            "tat": _duration(last.at - self.created) if done else "",
            "sla": _hours(last.at - self.created) if done else " ",
            "slaStatus": "out of sla" if last.at - self.created > DAY else "in sla",
            "ftr": "yes" if done and len(past) <= 3 else "no",  # noqa: PLR2004 - one closing
            "customer_rating": self.rating if done else 0,
            "total_conversations": conversations,
            "lastConversationId": self.first_conversation + conversations,
        }


def tickets_of(account: Account, day: dt.date) -> list[Ticket]:
    """All tickets that are ever created on a local day, by creation."""
    rng = account.generator("tickets", day, "content")
    callers = [
        identity
        for before in range(1, _DAYS_OF_CALLERS + 1)
        for identity in customers.ids_of(account, day - before * DAY)
    ]
    return [
        _ticket(rng, account, index, created, callers)
        for index, created in enumerate(account.created("tickets", day))
    ]


def _ticket(
    rng: Random,
    account: Account,
    index: int,
    created: dt.datetime,
    callers: list[int],
) -> Ticket:
    start = created.astimezone(UTC)
    reopen_before = start_of(created.date() + 3 * DAY, account.zone)
    number = (created.toordinal() - _EPOCH) * 100_000 + index
    return Ticket(
        created=start,
        events=settled(rng, start) if account.static else story(rng, start, reopen_before),
        facts={
            "date": created,
            **_identity(number),
            **_people(rng, callers),
            **_matter(rng, account),
        },
        next_follow_up=_next_follow_up(rng, created),
        rating=rng.choice((None, 0, 1, 2, 3, 4, 5)),
        first_conversation=1_000_000 + number * 10,
    )


def _identity(number: int) -> Row:
    ticket, task = str(100_000_000_000 + number * 97), 400_000_000 + number
    link = f"https://acme.kapturecrm.com/employee/view-task-detail.html?detail=5/{task}/{ticket}"
    return {"ticketId": ticket, "taskId": task, "url": link}


def _people(rng: Random, callers: list[int]) -> Row:
    creator, assigned = rng.randrange(len(words.PEOPLE)), rng.randrange(len(words.PEOPLE))
    known = bool(callers) and happens(rng, 0.7)
    customer = rng.choice(callers) if known else 0
    return {
        "creatorId": 209_000 + creator,
        "creatorName": words.PEOPLE[creator],
        "assignedId": 209_000 + assigned,
        "assignedToName": words.PEOPLE[assigned],
        "assigneeCode": sometimes(rng, 0.3, f"EMP{assigned:03}"),
        "customerId": customer,
        # Some name a contact that their customer has no more.
        "contactId": customers.contact_id(customer, rng.randrange(2)) if known else None,
        "customerName": rng.choice(words.PEOPLE) if known else words.blank(rng),
        "customerPhone": words.phone(rng) if known else None,
        "customerEmail": words.mail(rng) if known else words.blank(rng),
        "companyName": sometimes(rng, 0.4, rng.choice(words.COMPANIES)),
        "email": sometimes(rng, 0.5, words.mail(rng)),
        "phone": sometimes(rng, 0.5, words.phone(rng)),
    }


def _matter(rng: Random, account: Account) -> Row:
    return {
        "lastSource": rng.choice(_SOURCES),
        "primarySource": rng.choice(_SOURCES),
        "orderId": sometimes(rng, 0.5, str(rng.randrange(10**9, 10**10))),
        "folderId": rng.choice((0, 0, 17, 42)),
        "productId": rng.choice((0, 0, 0, 88_123)),
        "referenceId": rng.choice((0, rng.randrange(10**7, 10**8))),
        "pendingTaskId": 0,
        "priority": rng.choice(("low", "medium", "high", "URGENT!")),
        "callBack": words.blank(rng),
        "queueKey": sometimes(rng, 0.3, "q-refunds"),
        "queueName": sometimes(rng, 0.3, "Refunds & returns"),
        "disposition": rng.choice(("Inbox", "Customer Support|Query|Refunds ", "Sales > Leads")),
        "taskTitle": rng.choice(words.TITLES),
        "detail": words.long_detail(rng)
        if account.long_text
        else sometimes(rng, 0.8, rng.choice(words.DETAILS)),
        "attachments": _attachments(rng),
        "additional_info": _additional_info(rng),
    }


def _attachments(rng: Random) -> list[object]:
    if happens(rng, 0.7):
        return []
    links: list[object] = [
        f"https://files.example.com/{rng.randrange(10**6)}.png?w=640&h=480&name=d'or"
        for _ in range(rng.randrange(1, 4))
    ]
    if happens(rng, 0.2):
        links.append({"name": "बिल.pdf", "size": rng.randrange(10**6), "pages": [1, 2]})
    return links


def _additional_info(rng: Random) -> Row | None:
    if happens(rng, 0.05):
        return None
    if happens(rng, 0.4):
        return {}
    return {
        "Store": {"Name": rng.choice(words.COMPANIES), "City": rng.choice(words.CITIES)},
        "Items": [
            {"sku": f"SKU-{rng.randrange(1000)}", "note": rng.choice(("", "size <M>", "it's ok"))}
            for _ in range(rng.randrange(3))
        ],
        "Tags": rng.sample(("vip", "R&D", " ", "दोबारा", "x<y"), 2),
        "Reason": rng.choice(("Doesn't fit", "Colour & fabric", "", "देर से")),
        "Attempts": rng.randrange(5),
        "Amount": rng.randrange(10_000) / 4,
        "Prepaid": happens(rng, 0.5),
        "Agent note": None,
    }


def _next_follow_up(rng: Random, created: dt.datetime) -> dt.datetime:
    odd = skipped_walls(created.tzinfo, created.year)
    if odd and happens(rng, 0.1):
        return rng.choice(odd)
    follow_up = created + dt.timedelta(minutes=rng.randrange(0, 3 * 1440))
    return follow_up.replace(second=0, fold=0)


def _duration(span: dt.timedelta) -> str:
    """As Kapture writes a turn-around: in words from a day on."""
    minutes = int(span.total_seconds()) // 60
    if span < DAY:
        return _hours(span)
    return f"{minutes // 1440} Day {minutes // 60 % 24} Hr {minutes % 60} Min"


def _hours(span: dt.timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}"
