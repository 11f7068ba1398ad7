"""Made-up people, firms and messages, chosen for the characters that break pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

PEOPLE = (
    "Asha 'A' Rao",
    "Ravi Iyer",
    "आशा राव",
    "मोहम्मद इक़बाल क़ुरैशी",
    "தமிழ்ச்செல்வி முருகன்",
    "রবীন্দ্র চট্টোপাধ্যায়",
    "ಶ್ರೀನಿವಾಸ ಗೌಡ",
    "محمد علی خان",
    "Siobhán O'Neill-D'Souza",
    'Gurpreet "Gary" Singh',
    "Ünsal Çağlar",
    "José Müller & Söhne",
    "Priya 🌸 Sharma",
    "Zoë <Zed> Pinto",
    " employee one",
    "Lakshmi Venkataraman",
    "Joseph Fernandes",
    "Nguyễn Thị Ánh",
)
COMPANIES = (
    "Example Stores",
    "Rao & Daughters",
    "AT&amp;T look-alike Ltd",
    "“Quoted” Traders",
    "Fish &copy Chips Ltd",
    "A < B > C Logistics",
    "चाय & नाश्ता प्राइवेट लिमिटेड",
    "Blue; Green, Red|Yellow",
)
TITLES = (
    "Parcel has not arrived yet",
    "Refund for order isn't visible",
    'App says "payment failed"',
    "पार्सल अभी तक नहीं आया",
    "Wrong size: <XL> instead of <M>",
    "Invoice & receipt needed",
    "Screen shows &lt;br&gt; everywhere",
    "பணம் திரும்ப வரவில்லை 😡",
    "Change of delivery address",
    "Subscription renewal question",
)
DETAILS = (
    "Hello,\nI ordered two weeks ago.\nWhere is it?\n\nThanks",
    "Item\tQty\nKurta\t2\nDupatta\t1",
    'She said: "it\'s broken" & hung up.',
    "<p>Pasted <b>HTML</b> from the mail</p>",
    "50% off & free delivery, isn't it? &nbsp; as text",
    "C:\\temp\\new\\file.txt was attached",
    "ऑर्डर रद्द करें — कृपया जल्दी 🙏🏽",
    "Line one\r\nLine two\r\n",
    "a&b&c;d &#39;escaped already&#39; &unknown;",
    "Customer called twice about the missing charger",
)
CITIES = ("Bengaluru", "मुंबई", "Chennai", "Kolkata", "Panaji (Goa)", "St. John's", "")


def happens(rng: Random, probability: float) -> bool:
    """Whether something of that probability happens this time."""
    return rng.random() < probability


def blank(rng: Random) -> str:
    """One of the ways in which the service says that there is no text."""
    return "" if happens(rng, 0.8) else " "


def sometimes(rng: Random, probability: float, text: str) -> str:
    """The text with that probability, else blank."""
    return text if happens(rng, probability) else blank(rng)


def phone(rng: Random) -> str:
    """A number of the range that is never given to anyone."""
    return f"555{rng.randrange(10_000):04}"


def mail(rng: Random) -> str:
    """An address in the domain that belongs to no one."""
    return f"person.{rng.randrange(100_000):05}@example.com"


def long_detail(rng: Random) -> str:
    """Several thousand characters of message."""
    return "\n".join(rng.choice(DETAILS) for _ in range(rng.randrange(80, 160)))
