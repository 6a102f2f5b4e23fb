"""The demo school: what a newcomer finds in an empty portal."""
