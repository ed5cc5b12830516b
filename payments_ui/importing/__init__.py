"""Moving in: what django-user-payments has stored becomes line items and payments of ours."""
