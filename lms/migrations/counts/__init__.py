"""What migrations 0014 and 0033 count, and the triggers that keep the sums on either engine."""
