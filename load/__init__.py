"""Many people at once on the example site, with PostgreSQL: `make load`."""
