"""The JSON API of the fake PSP: what the sandbox moocher, and whoever directs the PSP, may call.

The API of another PSP would be a room like this: it reads parameters, calls the bank, and shows the
result. Bank, ledger, plan and webhooks know nothing about it.
"""
