"""The columns of the plain tap's streams: the same as tap-kapture's, but for descriptions."""

from __future__ import annotations

from typing import Any

import singer_sdk.typing as th


def _properties(kind: type[th.JSONTypeHelper[Any]], names: str) -> list[th.Property[Any]]:
    return [th.Property(name, kind) for name in names.split()]


TICKETS: dict[str, Any] = th.PropertiesList(
    th.Property("ticketId", th.StringType, required=True),
    *_properties(th.DateTimeType, "date nextFollowUp lastFollowUp lastConvesationTime taskEnddate"),
    *_properties(
        th.IntegerType,
        """taskId folderId contactId productId creatorId customerId assignedId referenceId
        pendingTaskId customer_rating lastConversationId total_conversations""",
    ),
    *_properties(
        th.StringType,
        """tat sla status lastSource orderId primarySource detail mergedTicketId substatusKey
        creatorName priority assignedToName callBack queueKey slaStatus queueName disposition
        taskTitle url substatus assigneeCode ftr email phone customerName customerPhone
        customerEmail companyName""",
    ),
    th.Property("attachments", th.ArrayType(th.StringType)),
    th.Property("additional_info", th.ObjectType(additional_properties=True)),
).to_dict()

_CONTACT = th.ObjectType(
    *_properties(th.DateTimeType, "generationDate"),
    *_properties(
        th.IntegerType,
        "id cmId leadId parentContactId subOfficeId creatorId age enquiryId orderId",
    ),
    *_properties(
        th.BooleanType,
        """isPrimaryContact isActive isGuest isMergeEnable isMobileMasked isEmailMasked
        showBirthYear""",
    ),
    *_properties(
        th.StringType,
        "contactPerson gender phone additionalPhone email maritalStatus phoneCountryCode",
    ),
)

CUSTOMERS: dict[str, Any] = th.PropertiesList(
    th.Property("id", th.IntegerType, required=True),
    *_properties(th.DateTimeType, "generationDate lastModificationTime"),
    *_properties(
        th.IntegerType,
        """cmId creatorId channelPartnerId ratePlanId campaignId campaignItemId campaignActivityId
        totalNoOfEnquiries customerLevel zone companyParentId assignedToId maxCreditPeriod
        historyEmpId channelPartnerEmpId syncedStepNumber salesAdminZone referralId
        feedbackOnCustomer syncdLocationId""",
    ),
    *_properties(th.NumberType, "maxCreditAmt outStandingAmount"),
    *_properties(
        th.BooleanType,
        """isOrganization isChannelPartner deleted isExistingCustomer isExistingContact syncStatus
        isApi""",
    ),
    *_properties(
        th.StringType,
        """name website address state city country latitude longitude currentStatus remarks
        customerCode pinCode imageReferenceId classification customerType companyStatus
        crossRemarks""",
    ),
    th.Property("contacts", th.ArrayType(_CONTACT)),
).to_dict()
