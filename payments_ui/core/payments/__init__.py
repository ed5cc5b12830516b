"""Payments: the line items that are paid together."""
