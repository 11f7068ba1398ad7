"""A record as Kapture sent it becomes a record of the schema."""
