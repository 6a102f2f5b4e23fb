"""What migration 0014 counts, and the triggers that keep the sums on either engine."""
