"""Notices and e-mails: the catalog, its templates, the outbox and delivery.

A message is written in the transaction of the change that it is about, under a key that names the
event: whatever is tried again, an event is announced once, and what is rolled back never.
"""
