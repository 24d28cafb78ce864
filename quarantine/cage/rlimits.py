"""Resource limits of a process that reads a stranger's bytes. Loads next to nothing, so that a launcher may use it."""

import resource


def limit_process(*, cpu_seconds: int, memory_bytes: int) -> None:
    """Bound CPU and memory; no file can grow (a pipe can be written), no core is dumped, nothing is forked.

    The kernel does not limit the number of processes for root; seccomp does.
    """
    # At the soft limit comes SIGXCPU, which shows what happened; a second later SIGKILL.
    set_limit(resource.RLIMIT_CPU, cpu_seconds, hard=cpu_seconds + 1)
    set_limit(resource.RLIMIT_AS, memory_bytes)
    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC, resource.RLIMIT_MEMLOCK):
        set_limit(kind, 0)


def set_limit(kind: int, soft: int, *, hard: int | None = None) -> None:
    """Set a limit for good; `hard` is the soft one unless given."""
    # Never above what we were given: only root may raise a hard limit.
    given = resource.getrlimit(kind)[1]
    top = soft if hard is None else hard
    top = top if given == resource.RLIM_INFINITY else min(top, given)
    resource.setrlimit(kind, (min(soft, top), top))
