"""Refunds: money given back, a row each."""
