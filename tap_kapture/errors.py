"""What can go wrong while reading Kapture, and who has to act.

::

    KaptureError                    every error of this tap; its text says what to do
    ├── KaptureConfigError          a setting is wrong: fix the configuration
    ├── KaptureStateError           the state cannot be continued from: fix or drop it
    ├── KaptureAuthError            the credential is missing, wrong, expired or not permitted
    ├── KaptureRequestError         the request reaches nothing that could answer it
    │   └── KaptureRefusedError     Kapture refused this request; others it may answer
    ├── KaptureResponseError        an answer that is none of the known shapes
    ├── KaptureRecordError          a record that cannot be loaded, such as one without its key
    ├── KapturePagingError          a day that cannot be read to its end
    │   └── KaptureDialectError     an account that pages in no way that is known
    ├── KaptureIncompleteError      everything was read but some days, which it names
    ├── KaptureOutputError          stdout cannot be written: the target is gone or the disk full
    ├── KaptureServerError          the server failed on a day, in every try
    └── KaptureTransientError       worth another try (also raised when the tries are used up)
        ├── KaptureConnectionError  no answer came, or not all of it
        └── KaptureThrottledError   429, 503 or a text that says so: all workers pause

No error carries a response body, a record's content or a credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


class KaptureError(Exception):
    """Base of every error of this tap.

    Attributes:
        message: What was wrong and what to do, without any record content.
        where: The stream, day and offset it happened at, once known.
        stops_only_its_day: Whether other days may be read all the same.
    """

    stops_only_its_day = False

    def __init__(self, message: str) -> None:
        """Keep the one line that the user reads.

        Args:
            message: What was wrong and what to do.
        """
        super().__init__(message)
        self.message = message
        self.where = ""

    def at(self, stream: str, day: date, offset: int) -> KaptureError:
        """Say where the error happened, unless it is known already.

        Args:
            stream: Name of the stream.
            day: The day that was being read.
            offset: Rows of that day before the request.

        Returns:
            The error itself.
        """
        self.where = self.where or f"{stream}, day {day}, offset {offset}: "
        return self

    def __str__(self) -> str:
        """Return the place and the message, on one line."""
        return f"{self.where}{self.message}"


class KaptureConfigError(KaptureError):
    """A setting, or a selection that contradicts the settings, is wrong."""


class KaptureStateError(KaptureError):
    """The state holds a bookmark that cannot be continued from."""


class KaptureAuthError(KaptureError):
    """Kapture does not accept the credential."""


class KaptureRequestError(KaptureError):
    """Nothing at the address answers the request, or it is redirected."""


class KaptureRefusedError(KaptureRequestError):
    """Kapture refused this request for good."""

    stops_only_its_day = True


class KaptureResponseError(KaptureError):
    """The answer has none of the known shapes."""

    stops_only_its_day = True


class KaptureRecordError(KaptureError):
    """A record cannot be loaded."""

    stops_only_its_day = True


class KapturePagingError(KaptureError):
    """A day has more records than the account lets a client page through."""

    stops_only_its_day = True


class KaptureDialectError(KapturePagingError):
    """No known way of paging fits the account's answers."""

    stops_only_its_day = False


class KaptureIncompleteError(KaptureError):
    """Some days could not be read, or did not settle; everything else is loaded."""


class KaptureServerError(KaptureError):
    """The server failed on this day in every try, by its own account."""

    stops_only_its_day = True


class KaptureOutputError(KaptureError):
    """Singer messages, or batch files, cannot be written any more."""


class KaptureTransientError(KaptureError):
    """A failure that another try may cure."""


class KaptureConnectionError(KaptureTransientError):
    """No answer came: the network, or a server that does not speak."""


class KaptureThrottledError(KaptureTransientError):
    """Kapture asked for a slower pace, or is overloaded: by 429, 503 or a text.

    Attributes:
        retry_after: Seconds to wait as Kapture asked, or None.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Keep the wait that the server asked for.

        Args:
            message: What was wrong and what to do.
            retry_after: Seconds to wait, or None when the server named none.
        """
        super().__init__(message)
        self.retry_after = retry_after


REFUSALS = (KaptureRefusedError, KaptureResponseError, KaptureServerError, KaptureTransientError)
"""What an account may answer to a window of several days, although it answers for each of them."""
