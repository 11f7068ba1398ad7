"""What can go wrong while reading Kapture, and who has to act.

::

    KaptureError                    every error of this tap; its text says what to do
    ├── KaptureConfigError          a setting is wrong: fix the configuration
    ├── KaptureStateError           the state cannot be continued from: fix or drop it
    ├── KaptureAuthError            the credential is missing, wrong, expired or not permitted
    ├── KaptureRequestError         Kapture refused the request, or sent it elsewhere
    ├── KaptureResponseError        an answer that is none of the known shapes
    ├── KaptureRecordError          a record that cannot be loaded, such as one without its key
    ├── KapturePagingError          a day that cannot be read to its end
    ├── KaptureOutputError          stdout cannot be written: the target is gone or the disk full
    └── KaptureTransientError       worth another try (also raised when the tries are used up)
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
    """

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
    """Kapture refused the request for good, or redirected it."""


class KaptureResponseError(KaptureError):
    """The answer has none of the known shapes."""


class KaptureRecordError(KaptureError):
    """A record cannot be loaded."""


class KapturePagingError(KaptureError):
    """A day has more records than the account lets a client page through."""


class KaptureOutputError(KaptureError):
    """Singer messages, or batch files, cannot be written any more."""


class KaptureTransientError(KaptureError):
    """A failure that another try may cure."""


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
