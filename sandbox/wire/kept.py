"""Values that are dear to make, kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from threading import RLock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

V = TypeVar("V")


class Kept(Generic[V]):
    """The values used last, up to a total size, and always the newest; any thread may ask."""

    def __init__(self, room: int, size: Callable[[V], int]) -> None:
        """Start empty.

        Args:
            room: for values of that total size.
            size: of a value.
        """
        self._left = room
        self._size = size
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._one_at_a_time = RLock()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value for a key, made when it is not there; it is shared, so do not change it."""
        with self._one_at_a_time:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            value = self._values[key] = make()
            self._left -= self._size(value)
            while self._left < 0 and len(self._values) > 1:
                self._left += self._size(self._values.popitem(last=False)[1])
            return value
