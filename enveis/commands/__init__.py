"""The commands of each station: their arguments, and their answers for people and programs; the stations do the work.

A file that is named as a station (`gateway`, `transfer`, `desk`, `quarantine`, `audit`, `keys`, `receipt`) lists all
its commands; `STATION_…` has some of them. `diode` and `diode_status` are the one-way link, `key_copies` shares and
paper, `packet_display` one opened packet as a person reads it, `desk_packet` how the desk's commands open one.
"""
