"""The columns of each stream.

Names are Kapture's own, its misspellings included; types follow the sample bodies. Those that the
tap makes come last.
"""

from __future__ import annotations

from tap_kapture.schemas.columns import Column, Kind, table

MADE = table(
    """
day        day  The day under which Kapture serves the record, in the account's time zone.
emitted_at time When the records of that day left the tap: the same for all that left together.
""",
    made=True,
)
"""What the tap adds to each record."""

_TICKET_COLUMNS = table(
    """
ticketId            text   Identity of the ticket: digits, unique in the account.
taskId              int    Internal id of the task behind the ticket.
date                time   When the ticket was created; Kapture serves tickets by this day.
status              text   State of the ticket, such as Pending, Open or Complete.
substatus           text   Finer state, as the account defines it.
substatusKey        text   Short key of the substatus, as the account defines it.
priority            text   Priority, such as low or high.
taskTitle           text   Title of the ticket.
detail              text   Text of the ticket.
disposition         text   Path of categories that the ticket was filed under, joined by |.
folderId            int    Id of the folder that holds the ticket; 0 for none.
queueKey            text   Key of the queue that the ticket waits in.
queueName           text   Name of the queue that the ticket waits in.
primarySource       text   Channel that the ticket came in by.
lastSource          text   Channel of the last contact.
nextFollowUp        time   When the next follow-up is due.
lastFollowUp        time   When the ticket was last followed up.
lastConvesationTime time   When the last conversation took place (the name is Kapture's).
taskEnddate         time   When the ticket was completed.
lastConversationId  int    Id of the last conversation; 0 for none.
total_conversations int    Number of conversations.
tat                 text   Turn-around time so far, as text such as 0:1:29.
sla                 text   Time against the service level, as text such as 0:1:29.
slaStatus           text   Whether the ticket is within its service level.
ftr                 text   First-time resolution: yes or no.
callBack            text   Call-back asked for.
customer_rating     int    Rating that the customer gave; 0 for none.
creatorId           int    Id of the employee who created the ticket.
creatorName         text   Name of the employee who created the ticket.
assignedId          int    Id of the employee whom the ticket is assigned to.
assignedToName      text   Name of the employee whom the ticket is assigned to.
assigneeCode        text   Code of the employee whom the ticket is assigned to.
customerId          int    Id of the customer, the id of the customers stream; 0 for none.
contactId           int    Id of the customer's contact person; 0 for none.
customerName        text   Name of the customer.
customerPhone       text   Phone number of the customer.
customerEmail       text   Mail address of the customer.
companyName         text   Company of the customer.
email               text   Mail address that the ticket came from.
phone               text   Phone number that the ticket came from.
orderId             text   Order that the ticket is about.
productId           int    Id of the product that the ticket is about; 0 for none.
referenceId         int    Id of a record that the ticket refers to; 0 for none.
mergedTicketId      text   Ticket that this one was merged into.
pendingTaskId       int    Id of a task that the ticket waits for; 0 for none.
url                 text   Address of the ticket in Kapture.
attachments         texts  Attachments; an element that is not text is kept as JSON text.
additional_info     object Fields that the account defines, possibly nested.
""",
)
TICKETS = (*_TICKET_COLUMNS, *MADE)

CONTACTS = table(
    """
id                int  Identity of the contact.
cmId              int  Id of the Kapture account.
leadId            int  Id of the customer whom the contact belongs to.
contactPerson     text Name of the contact person.
gender            text Gender of the contact person.
phone             text Phone number.
additionalPhone   text Second phone number.
email             text Mail address.
isPrimaryContact  bool Whether this is the customer's main contact.
isActive          bool Whether the contact is in use.
generationDate    time When the contact was created.
parentContactId   int  Id of the contact above this one; 0 for none.
subOfficeId       int  Id of the sub-office; 0 for none.
creatorId         int  Id of the employee who created the contact; 0 for none.
age               int  Age in years; 0 for not known.
maritalStatus     text Marital status.
isGuest           bool Whether the contact is a guest.
phoneCountryCode  text Country code of the phone number.
enquiryId         int  Id of the enquiry that the contact came from; 0 for none.
orderId           int  Id of the order that the contact came from; 0 for none.
isMergeEnable     bool Whether the contact may be merged with others.
isMobileMasked    bool Whether Kapture hides the phone number.
isEmailMasked     bool Whether Kapture hides the mail address.
showBirthYear     bool Whether the year of birth is shown.
""",
)

_CUSTOMER_COLUMNS = table(
    """
id                   int  Identity of the customer.
cmId                 int  Id of the Kapture account.
generationDate       time When the customer was created; Kapture serves customers by this day.
lastModificationTime time When the customer was last changed.
name                 text Name of the customer.
customerCode         text Code of the customer, as the account defines it.
isOrganization       bool Whether the customer is an organisation.
isChannelPartner     bool Whether the customer is a channel partner.
isExistingCustomer   bool Whether the customer was known before.
isExistingContact    bool Whether the contact was known before.
currentStatus        text Status of the customer, as a short key.
companyStatus        text Status of the company, as a short key.
classification       text Class of the customer, as the account defines it.
customerType         text Type of the customer, as the account defines it.
customerLevel        int  Level of the customer, as the account defines it.
website              text Website.
address              text Postal address.
city                 text City.
state                text State or province.
country              text Country.
pinCode              text Postal code.
zone                 int  Id of the zone; 0 for none.
salesAdminZone       int  Id of the zone of the sales administration; 0 for none.
latitude             text Latitude of the address.
longitude            text Longitude of the address.
remarks              text Remarks.
crossRemarks         text Remarks of another department.
creatorId            int  Id of the employee who created the customer; 0 for none.
assignedToId         int  Id of the employee whom the customer is assigned to; 0 for none.
historyEmpId         int  Id of the employee who looked after the customer before; 0 for none.
channelPartnerId     int  Id of the channel partner; 0 for none.
channelPartnerEmpId  int  Id of the employee of the channel partner; 0 for none.
companyParentId      int  Id of the parent company; 0 for none.
referralId           int  Id of the customer who referred this one; 0 for none.
campaignId           int  Id of the campaign that the customer came from; 0 for none.
campaignItemId       int  Id of the campaign item that the customer came from; 0 for none.
campaignActivityId   int  Id of the campaign activity that the customer came from; 0 for none.
totalNoOfEnquiries   int  Number of enquiries.
feedbackOnCustomer   int  Feedback on the customer; Kapture sends the number as text.
ratePlanId           int  Id of the rate plan; 0 for none.
maxCreditAmt         num  Credit limit, in the account's currency.
maxCreditPeriod      int  Credit period, in days.
outStandingAmount    num  Amount outstanding, in the account's currency.
imageReferenceId     text Reference of the customer's picture.
syncStatus           bool Whether the customer was synchronised with another system.
syncdLocationId      int  Id of the synchronised location; Kapture sends the number as text.
syncedStepNumber     int  Step that the synchronisation has reached.
deleted              bool Whether the customer was deleted.
isApi                bool Whether the customer was created through the API.
""",
)

CUSTOMERS = (
    *_CUSTOMER_COLUMNS,
    Column("contacts", Kind.OBJECTS, "Contact persons of the customer.", columns=CONTACTS),
    *MADE,
)

CUSTOMER_CONTACTS = (
    *CONTACTS,
    Column("customerId", Kind.INTEGER, "Id of the customer whose contact it is.", made=True),
    *MADE,
)

PULLED_DAYS = table(
    """
stream     text The stream whose day was read: tickets, customers or customer_contacts.
day        day  The day of creation that was read, in the account's time zone.
records    int  Records that Kapture holds of that day; of customer_contacts, the customers.
open       int  Of these, tickets whose status is not among closed_statuses; null for others.
announced  int  How many records Kapture announced by totalCount; null if it announced none.
reason     text Why the day was read: new, re-read or backfill.
closed     bool Whether the day was over when it was read, so that it can get no more records.
settled    bool Whether rows and counts came out; if not, records of the day may be missing.
changed    bool Whether its records left anew; if not, they are as they were at emitted_at.
requests   int  Requests that it took to read the day, without retries.
digest     text Fingerprint of the day's records, in any order; null if it will not be read again.
read_at    time When the reading began: the day is as it was in Kapture then, or later.
emitted_at time When the day's records last left: each of them carries this as its emitted_at.
""",
    made=True,
)
"""A row for each day that was read: the proof of what is in the other tables."""
