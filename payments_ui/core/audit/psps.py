"""What is promised about a PSP's books and ours; the interface, which knows PSPs, compares."""

from __future__ import annotations

from .words import Rule

BOOKED = Rule("psp_booked", "What a PSP took is booked here.")
TAKEN = Rule("psp_taken", "What is booked here, the PSP took.")
ONCE = Rule("psp_once", "A PSP took the money of an attempt once.")
AMOUNT = Rule("psp_amount", "What arrived here is what the PSP took, in the same currency.")
REFUNDED = Rule("psp_refunded", "What was given back here is what the PSP gave back.")
RULES = (BOOKED, TAKEN, ONCE, AMOUNT, REFUNDED)
