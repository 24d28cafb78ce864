"""The demonstrations, both machines on this one: `enveis demo` once, `enveis run` until somebody stops it.

`journey` is the demo and `run` the command of the same name; `two_machines` the two homes and the gateway's process,
`running_link` the two ends of a one-way link, `mover` what operators would do, `stopping` how a run is asked to stop,
`sample_files` the files that the journey sends. No command imports this room; it may use what commands print.
"""
