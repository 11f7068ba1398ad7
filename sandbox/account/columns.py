"""The columns of each stream, as the sandbox means them, in the order of the wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, object]
"""A record by meaning: column or unknown key -> aware datetime, text, number, boolean, None,
`Unreadable`, or a list or object of these."""


class Kind(Enum):
    """What a column holds, and so how it is written."""

    TEXT = auto()
    INTEGER = auto()
    TEXT_INTEGER = auto()  # an integer that is always written as text
    NUMBER = auto()
    BOOLEAN = auto()
    MINUTE = auto()  # a ticket's wall time
    JAVA_DATE = auto()
    CALENDAR = auto()
    TEXTS = auto()
    FREE = auto()  # an object of the account's own fields
    CONTACTS = auto()


@dataclass(frozen=True)
class Unreadable:
    """A value that no reader can turn into its column's type."""

    raw: object


def names(text: str) -> list[str]:
    """The names in a text, separated by white space."""
    return text.split()


def _columns(text: str, **others: Kind) -> Mapping[str, Kind]:
    return {name: others.get(name, Kind.TEXT) for name in names(text)}


def _of(kind: Kind, text: str) -> dict[str, Kind]:
    return dict.fromkeys(names(text), kind)


TICKET = _columns(
    """tat sla date status nextFollowUp lastFollowUp taskId lastSource orderId lastConvesationTime
    ticketId folderId primarySource detail mergedTicketId contactId productId creatorId
    substatusKey customerId assignedId referenceId creatorName priority pendingTaskId
    assignedToName callBack customer_rating queueKey lastConversationId slaStatus queueName
    total_conversations disposition taskTitle taskEnddate url substatus assigneeCode ftr email
    phone attachments additional_info customerName customerPhone customerEmail companyName""",
    **_of(Kind.MINUTE, "date nextFollowUp lastFollowUp lastConvesationTime taskEnddate"),
    **_of(
        Kind.INTEGER,
        """taskId folderId contactId productId creatorId customerId assignedId referenceId
        pendingTaskId customer_rating lastConversationId total_conversations""",
    ),
    attachments=Kind.TEXTS,
    additional_info=Kind.FREE,
)

TICKET_V1 = frozenset(
    names(
        """tat sla ticketId contactId referenceId creatorName priority assignedToName status date
        total_conversations taskTitle substatus taskEnddate disposition companyName
        customerName customerEmail customerPhone""",
    ),
)

CUSTOMER = _columns(
    """id cmId isOrganization name website address state city country latitude longitude
    currentStatus generationDate creatorId channelPartnerId remarks ratePlanId customerCode
    isChannelPartner pinCode campaignId campaignItemId campaignActivityId totalNoOfEnquiries
    feedbackOnCustomer contacts lastModificationTime imageReferenceId classification customerType
    customerLevel zone companyParentId assignedToId maxCreditAmt maxCreditPeriod historyEmpId
    channelPartnerEmpId deleted companyStatus isExistingCustomer isExistingContact syncStatus
    syncdLocationId crossRemarks syncedStepNumber outStandingAmount salesAdminZone referralId
    isApi""",
    **_of(
        Kind.INTEGER,
        """id cmId creatorId channelPartnerId ratePlanId campaignId campaignItemId
        campaignActivityId totalNoOfEnquiries customerLevel zone companyParentId assignedToId
        maxCreditPeriod historyEmpId channelPartnerEmpId syncedStepNumber salesAdminZone
        referralId""",
    ),
    **_of(
        Kind.BOOLEAN,
        """isOrganization isChannelPartner deleted isExistingCustomer isExistingContact
        syncStatus isApi""",
    ),
    **_of(Kind.NUMBER, "maxCreditAmt outStandingAmount"),
    **_of(Kind.TEXT_INTEGER, "feedbackOnCustomer syncdLocationId"),
    generationDate=Kind.JAVA_DATE,
    lastModificationTime=Kind.CALENDAR,
    contacts=Kind.CONTACTS,
)

CONTACT = _columns(
    """id cmId leadId contactPerson gender phone additionalPhone email isPrimaryContact isActive
    generationDate parentContactId subOfficeId creatorId age maritalStatus isGuest
    phoneCountryCode enquiryId orderId isMergeEnable isMobileMasked isEmailMasked
    showBirthYear""",
    **_of(
        Kind.INTEGER,
        "id cmId leadId parentContactId subOfficeId creatorId age enquiryId orderId",
    ),
    **_of(
        Kind.BOOLEAN,
        """isPrimaryContact isActive isGuest isMergeEnable isMobileMasked isEmailMasked
        showBirthYear""",
    ),
    generationDate=Kind.CALENDAR,
)

COLUMNS: Mapping[str, Mapping[str, Kind]] = {"tickets": TICKET, "customers": CUSTOMER}
KEYS: Mapping[str, str] = {"tickets": "ticketId", "customers": "id"}
