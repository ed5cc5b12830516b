"""Attempts: one try each to charge a payment at one PSP, and the money that arrives."""
