"""Moving in: payments and line items of django-user-payments become those of the kit.

An optional app: a site lists it while it moves in, and takes it out again.
"""
