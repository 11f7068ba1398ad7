"""Every column once: its name, what it holds and what it means.

The JSON Schema of a stream and what :mod:`tap_kapture.shape` makes of a record both derive from
these tables.
"""

from tap_kapture.schemas.columns import EXTRA_FIELDS, Column, Kind, json_schema
from tap_kapture.schemas.tables import CONTACTS, CUSTOMER_CONTACTS, CUSTOMERS, PULLED_DAYS, TICKETS

__all__ = [
    "CONTACTS",
    "CUSTOMERS",
    "CUSTOMER_CONTACTS",
    "EXTRA_FIELDS",
    "PULLED_DAYS",
    "TICKETS",
    "Column",
    "Kind",
    "json_schema",
]
