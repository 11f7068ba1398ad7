"""The account whose clock stands still, for tests that change nothing but what is asked."""

from __future__ import annotations

import datetime as dt

from sandbox import Account

UTC = dt.timezone.utc
FIRST = dt.date(2024, 3, 18)
TODAY = dt.date(2024, 3, 31)
NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC)
DAY = dt.timedelta(days=1)
ACCOUNT = Account(seed=5, first_day=FIRST, now=NOW, tickets_per_day=8, customers_per_day=3)
