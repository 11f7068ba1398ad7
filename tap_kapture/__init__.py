"""Singer tap for Kapture CX: tickets and customers, complete and as fresh as the API allows."""
