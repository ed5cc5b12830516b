"""Tools for testing payments: the kit's own, and those of every site that uses the kit.

- `psp`: a fake PSP on this machine, with faults, webhooks and its own ledger; needs only Python
- `failpoints`: what happens at the named points of the kit; needs only Python
- `plugin`: fixtures for pytest, see "Test your site" in the documentation
- `paying`: pay as a customer does
- `moochers`: moochers that a test made, listed in its settings and paying at the fake PSP
- `psp_comparison`: whether the PSP's ledger and the database agree about money
- `contracts`: what every moocher promises, as tests
- `flush`: for suites that empty all tables

Importing this package costs nothing: it needs neither Django nor pytest.
"""
