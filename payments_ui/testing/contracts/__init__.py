"""What every moocher promises, as tests.

Subclass the contracts, and run them with pytest-django::

    class TestMyMoocher(MoocherContract):
        form_data = {"card": "test-card-that-works"}

        @pytest.fixture
        def moocher(self, my_fake_psp):
            return MyMoocher(psp_url=my_fake_psp.url)

        def taken(self, attempt):
            return my_fake_psp.ledger.get(attempt.idempotency_key, 0)

        def outage(self):
            return my_fake_psp.unplugged()

They need a PSP that keeps its own ledger: a stateful fake, or the PSP's sandbox. A mock that says
what the test expects proves nothing about money.
"""

from __future__ import annotations

from .base import ContractBase
from .disputes import DisputeContract
from .events import EventContract
from .ledger import LedgerContract
from .moocher import MoocherContract
from .refunds import RefundContract

__all__ = [
    "ContractBase",
    "DisputeContract",
    "EventContract",
    "LedgerContract",
    "MoocherContract",
    "RefundContract",
]
