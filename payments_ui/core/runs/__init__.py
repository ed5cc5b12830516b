"""Runs: one night's charging, cut into batches that workers lease."""
