"""The packet format and the roads that carry it from the low side to the high side."""
