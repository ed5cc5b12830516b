"""The way to the receipt in Firefox and WebKit: what differs between engines, and little else.

`python -m e2e.engines` says which of them this machine has.
"""
