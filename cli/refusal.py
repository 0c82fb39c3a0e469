"""What cannot be done, in words for the person who asked for it."""


class Refusal(Exception):
    """One line that names the thing and the fix (further lines may hold what to type); the command ends with 2."""


class SiteRefusal(Refusal):
    """What the site answered against it: `status` of HTTP, and `kind`, the problem's name for programs or nothing."""

    def __init__(self, said: str, status: int, kind: str) -> None:
        super().__init__(said)
        self.status, self.kind = status, kind
