"""Mails to customers: each is claimed before it is sent, so none is sent twice."""
