"""The high side: opens what arrived, and prepares what goes back.

It alone loads the identity that packets are sealed to. `home` is the desk's directory, `config` its settings,
`errors` its failures. Rooms: `custody` (keys), `arrival` (packets, cases and gateways), `way_back` (replies and
bundles).
"""
