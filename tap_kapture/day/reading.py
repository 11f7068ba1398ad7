"""Reading one day to its end: by the dialect, learned where needed, again where rows moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_kapture.day.listing import Listing
from tap_kapture.day.passes import Pass, through
from tap_kapture.day.settling import is_whole, settle
from tap_kapture.day.tally import DayFacts, Page, Tally
from tap_kapture.dialect.dialect import Total, Turn
from tap_kapture.dialect.doubts import Doubt
from tap_kapture.dialect.evidence import told
from tap_kapture.dialect.learned import LEARNING_REQUESTS
from tap_kapture.dialect.lesson import Lesson, learn
from tap_kapture.errors import KaptureDialectError, KapturePagingError
from tap_kapture.settings.groups import paging_setting

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from datetime import date

    from tap_kapture.dialect.doubts import Doubts
    from tap_kapture.dialect.layout import Seen
    from tap_kapture.shape.heads import Heads
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request

ATTEMPTS = 4
"""How often a day is begun anew because the dialect turned out to be another one."""
SPANS = ((30, 0), (1, 0), (0, 30))
"""Days before and behind a day that are asked for together with it, to see a larger answer."""


class DayReader:
    """Reads days of one stream; one instance serves all its workers."""

    def __init__(
        self,
        stream: str,
        heads: Heads,
        doubts: Doubts,
        *,
        verify_last_page: bool,
        whole_day: bool = False,
    ) -> None:
        """Keep the rules.

        Args:
            stream: Name of the stream, for messages.
            heads: Reads keys and statuses.
            doubts: What is counted over all days, and what is known of the account.
            verify_last_page: Whether a page that is short must be shown to be the last.
            whole_day: Whether one answer is the whole day, because the settings say so.
        """
        self._stream = stream
        self._heads = heads
        self._doubts = doubts
        self._learned = doubts.learned
        self._verify = verify_last_page
        self._whole_day = whole_day

    def read(
        self,
        day: date,
        ask: Callable[[Request], Answer],
        *,
        digest: bool = True,
        known: str = "",
        moves: bool = False,
    ) -> Iterator[Page | DayFacts]:
        """Read a day: yield its pages as they come, each record once, and last what it came to.

        Args:
            day: The day.
            ask: Returns the answer to a request.
            digest: Whether the day will ever be compared with another reading of it.
            known: The day's digest when it last came out whole, or empty.
            moves: Whether the day can still get records: then rows that move are no doubt.

        Yields:
            Pages of new rows, then the :class:`DayFacts`.

        Raises:
            KaptureError: The day cannot be read to its end.
        """
        tally = Tally(self._heads, digest=digest, known=known)
        listing = Listing(self._stream, day, ask, tally, self._learned)
        try:
            doubt = yield from self._read(listing, moves=moves)
        except KaptureDialectError:
            raise  # of no single day
        except KapturePagingError as error:
            raise error.at(self._stream, day, 0) from None
        self._doubts.shared(tally.sharing)
        yield tally.facts(None if moves else doubt, listing.total)

    def _read(self, listing: Listing, *, moves: bool) -> Generator[Page, None, Doubt | None]:
        first: Seen | None = None
        for _ in range(ATTEMPTS):
            dialect = self._learned.dialect
            done = yield from self._pass(listing, self._learned.page_size, again=first)
            first = listing.seen[0] if done.teaches else None
            unproven = self._learned.stated or not dialect.confirmed
            self._note(listing, guessed=done.fits and unproven, empty=not done.keys)
            if self._learned.dialect.way != dialect.way:
                continue  # another worker learned it meanwhile, so this pass shows nothing
            if done.fits:
                return (yield from self._judged(listing, done, moves=moves))
            if not done.teaches and dialect.confirmed:
                settled = yield from settle(listing, None, verify=self._verify)
                if settled or moves:
                    return None
            lesson = self._learn(listing, done, moves=moves)
            self._note(listing, guessed=lesson is Lesson.WHOLE, empty=False)
            if lesson is Lesson.WHOLE:
                return None
            if lesson is not Lesson.LEARNED:
                break
            if dialect.confirmed and self._learned.dialect.way == dialect.way:
                return _moved(done)
        return self._doubt_in_dialect(listing)

    def _note(self, listing: Listing, *, guessed: bool, empty: bool) -> None:
        """Note a day that was read by a guess."""
        if guessed and listing.asked:
            self._learned.guessed.read(listing.asked, empty=empty)

    def _pass(
        self, listing: Listing, limit: int, *, again: Seen | None = None
    ) -> Generator[Page, None, Pass]:
        listing.begin(again=again)
        return (yield from through(listing, limit, verify=self._verify))

    # What a pass that fits is worth

    def _judged(
        self, listing: Listing, done: Pass, *, moves: bool
    ) -> Generator[Page, None, Doubt | None]:
        """Return the doubt that is left of a day that was read to its end."""
        usual = listing.seen[0]
        doubt = yield from self._doubt_of(listing, done, moves=moves)
        if doubt is None and not moves:
            self._learned.witness(listing.day, usual)
            self._doubts.whole(listing.day, len(listing.tally))
        return doubt

    def _doubt_of(
        self, listing: Listing, done: Pass, *, moves: bool
    ) -> Generator[Page, None, Doubt | None]:
        if self._learned.dialect.turn is Turn.NONE:
            return self._doubt_in_one(listing, done.keys)
        if not (moves or is_whole(listing, done)):
            settled = yield from settle(listing, done, verify=self._verify)
            if not settled:
                return _moved(done)
            done = settled
        if moves or self._agrees(listing, done):
            return None
        settled = yield from settle(listing, None, verify=self._verify)
        if listing.total is None or (settled and self._agrees(listing, settled)):
            return None
        if settled and listing.total < len(set(settled.keys)):
            # More came than the account counts, and came so again: its count knows a bound.
            self._learned.note(total=Total.USELESS)
        else:
            self._doubts.miscounted()
        if self._learned.dialect.total is Total.USELESS:
            return None
        text = f"Kapture announces {listing.total} records, but sends {len(listing.tally)}"
        return Doubt("count", text)

    def _agrees(self, listing: Listing, done: Pass) -> bool:
        """Whether the total, if there is one, agrees with what came."""
        if listing.total is None:
            return True
        if listing.totals_differ:
            self._learned.note(total=Total.USELESS)
        counts = {len(done.keys), len(set(done.keys))}
        return self._doubts.counted(listing.total, counts, announced=listing.announced)

    def _doubt_in_one(self, listing: Listing, keys: tuple[str, ...]) -> Doubt | None:
        """Return the doubt about a day that came in one answer: the account may cut it."""
        learned, rows = self._learned, len(keys)
        self._doubts.sized(rows)
        if not rows:
            return None
        if listing.total is not None and learned.dialect.total is Total.DAY:
            if listing.total in {rows, len(listing.tally)}:
                return None
        elif listing.tally.is_as_before or (
            not listing.missing_in(keys)
            and (self._whole_day or self._is_below_a_cap(listing, rows))
        ):
            return None
        text = (
            f"nothing turns the page, and {rows} records are the most that ever came in one "
            "answer, so more may be left out. Ask Kapture support to switch pagination on for the "
            "account; if it always sends whole days, set "
            f"'{paging_setting(self._stream)}' to 'whole_day'"
        )
        return Doubt("cap", text)

    def _is_below_a_cap(self, listing: Listing, rows: int) -> bool:
        """Whether a larger answer shows that no cap cut this one; asks for one if need be."""
        learned = self._learned
        with learned.lock:
            for span in SPANS:
                if learned.is_below_a_cap(rows):
                    return True
                if sum(span) not in learned.refused_spans and listing.widest(*span) is None:
                    learned.refused_spans.add(sum(span))
            return learned.is_below_a_cap(rows)

    # Learning

    def _learn(self, listing: Listing, done: Pass, *, moves: bool) -> Lesson:
        """Learn the dialect from this day, unless another worker just did."""
        learned = self._learned
        with learned.lock:
            if learned.stated:
                return Lesson.NONE
            if done.teaches and learned.dialect.confirmed:
                return Lesson.LEARNED
            return learn(
                listing.seen,
                listing.peek,
                learned,
                requests=LEARNING_REQUESTS,
                moves=moves,
            )

    def _doubt_in_dialect(self, listing: Listing) -> Doubt:
        text = told(listing.seen)
        self._learned.failed(listing.day, text)
        return Doubt("dialect", text)


def _moved(done: Pass) -> Doubt:
    text = f"rows moved between pages ({done.moved} came twice), in every reading"
    return Doubt("moved", text)
