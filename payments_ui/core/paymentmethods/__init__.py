"""Saved payment methods: what a PSP keeps for a user, and what the user agreed to."""
