"""Measurements, never assertions: ratios of one run on one machine.

One file a make target: `upload` and `quarantine` (what a submission costs), `receipts` (what a receipt does),
`returning` (`make bench-return`), `journey` (a source's way on a phone), `batches` (a crossing), `growth` (what does
not grow with the packets that wait) and `diode` (a one-way link beside other programs). `served` starts the gateway
that some of them measure.
"""
