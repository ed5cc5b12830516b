"""The suspense account: money that a person has to look at."""
