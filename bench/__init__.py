"""Measurements, never assertions: ratios of one run on one machine."""
