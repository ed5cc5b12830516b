"""Payments that could not be charged without their user: when they are tried again, or why not."""
