"""Tools for testing payments, ours and those of every site that uses the kit.

- `psp`: a PSP on this machine, with faults, webhooks and books of its own; needs only Python
- `points`: what happens at the named points of `payments_ui.core.db.failpoints`; needs only Python
- `plugin`: fixtures for pytest, see "Test your site" in the documentation
- `paying`: pay as a customer does
- `oracle`: whether the PSP's books and the database tell the same story
- `moochers`: the contract that every moocher keeps, as tests
- `seals`: for suites that empty all tables

Importing this package costs nothing: it needs neither Django nor pytest.
"""
