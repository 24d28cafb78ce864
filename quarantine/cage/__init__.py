"""What a process gives up before it reads a stranger's bytes, so that they can do nothing even if they take it over.

Layers in their order (Landlock, namespaces, rlimits, seccomp) with the system calls below them; the launcher `confine`
and the confined process for foreign programs; the pipe that an answer comes through; attacks that test the cage.
"""
