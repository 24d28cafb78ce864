"""A real zygote that keeps how its workers ended, and what they took."""

from quarantine.workers.assignment import Assignment
from quarantine.workers.protocol import End, Request
from quarantine.workers.zygote_client import ZygoteClient


class WatchedZygote(ZygoteClient):
    """Keeps what its workers came to."""

    def __init__(self) -> None:
        super().__init__()
        self.assignments: list[Assignment] = []

    def worker(self, request: Request, fd: int, *, deadline: float) -> Assignment:
        self.assignments.append(super().worker(request, fd, deadline=deadline))
        return self.assignments[-1]

    def ends(self) -> list[End]:
        """How they ended, those since the last call."""
        ended, self.assignments = self.assignments, []
        return [assignment.end for assignment in ended if assignment.end is not None]
