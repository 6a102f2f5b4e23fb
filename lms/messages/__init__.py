"""What people are told: the catalogue, its words as templates, and the e-mails on their way.

A message is written in the transaction of the change that it is about, under a key that names the
event: whatever is tried again, an event is announced once, and what is rolled back never.
"""
