"""The tables and rules of the first release, frozen: later changes are migrations of their own."""
