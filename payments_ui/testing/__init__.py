"""Tools for testing payments: the offline PSP in `payments_ui.testing.psp`.

Importing this package costs nothing: it needs neither Django nor pytest.
"""
