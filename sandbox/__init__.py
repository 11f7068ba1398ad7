"""A fake Kapture account behind a real HTTP server, for the demo, the tests and the benchmarks.

It knows what it holds as typed values (instants, plain text, numbers) and derives both the wire
form, with every peculiarity switchable, and the truth a warehouse should end up with. It imports
nothing of the tap, so the two can only agree by both being right.

    with Sandbox(Account(seed=1), quirks=Quirks(total_count="filled")) as sandbox:
        run_tap(sandbox.config())
        assert warehouse() == sandbox.truth("tickets")
"""

from sandbox.account.account import Account
from sandbox.answers.faults import Fault, RateLimit, Storm
from sandbox.quirks import Quirks
from sandbox.server.requestlog import Seen
from sandbox.server.service import Sandbox

__all__ = ["Account", "Fault", "Quirks", "RateLimit", "Sandbox", "Seen", "Storm"]
