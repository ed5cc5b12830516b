"""Journeys of people through the example project, in a real browser."""
