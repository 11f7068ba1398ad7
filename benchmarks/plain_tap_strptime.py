"""The plain tap with the one change that helps it most: dates are read with strptime."""

from __future__ import annotations

from datetime import datetime, timezone

from benchmarks.plain_tap import CustomersStream, KaptureStream, PlainTap, TicketsStream


class _Strptime(KaptureStream):
    def instant(self, text: str) -> str:
        """Return the instant of a local time, in UTC.

        Args:
            text: In the form of the stream.
        """
        return self._utc(datetime.strptime(text, self.date_format))  # noqa: DTZ007 - the zone follows

    def instant_of(self, calendar: dict[str, int]) -> str:
        """Return the instant of a local time, in UTC.

        Args:
            calendar: A Java calendar, whose months count from zero.
        """
        local = datetime(  # noqa: DTZ001 - the zone follows
            calendar["year"],
            calendar["month"] + 1,
            calendar["dayOfMonth"],
            calendar["hourOfDay"],
            calendar["minute"],
            calendar["second"],
        )
        return self._utc(local)

    def _utc(self, local: datetime) -> str:
        return local.replace(tzinfo=self.zone).astimezone(timezone.utc).isoformat()


class _Tickets(_Strptime, TicketsStream):
    date_format = "%d-%m-%Y %H:%M"


class _Customers(_Strptime, CustomersStream):
    date_format = "%b %d, %Y %I:%M:%S %p"


class StrptimeTap(PlainTap):
    """The plain tap, a little less plain."""

    def discover_streams(self) -> list[KaptureStream]:
        """Return both streams."""
        return [_Customers(self), _Tickets(self)]


if __name__ == "__main__":
    StrptimeTap.cli()
