"""The rows of access and of payments: what verbs, payments, imports and repairs write through.

Everything here runs inside its caller's transaction. Only `lms.enrollment`, which opens them, is
for pages, commands and clients.
"""
