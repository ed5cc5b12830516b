"""Money that people book: a row for each part of it."""
