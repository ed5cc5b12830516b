"""Moochers: interactive adapters to payment service providers (PSPs)."""
