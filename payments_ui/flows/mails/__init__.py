"""Mails to customers: what each says, how it is sent once, and which are due."""
