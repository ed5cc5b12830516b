"""Disputes: customers whose banks take money back."""
