"""What is promised about a PSP's list of charges and the books; ``flows`` compares them."""

from __future__ import annotations

from payments_ui.core.rules import Rule

BOOKED = Rule(name="psp_booked", promise="What a PSP took is booked here.")
TAKEN = Rule(name="psp_taken", promise="What is booked here, the PSP took.")
ONCE = Rule(name="psp_once", promise="A PSP took the money of an attempt once.")
AMOUNT = Rule(
    name="psp_amount",
    promise="What arrived here is what the PSP took, in the same currency.",
)
REFUNDED = Rule(name="psp_refunded", promise="What was given back here is what the PSP gave back.")
DISPUTED = Rule(name="psp_disputed", promise="Disputes took what the PSP says they took.")
PSP_RULES = (BOOKED, TAKEN, ONCE, AMOUNT, REFUNDED, DISPUTED)
