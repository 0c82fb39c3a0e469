"""What cannot be done, in words for the person who asked for it."""


class Refusal(Exception):
    """One line that names the thing and the fix (further lines may hold what to type); the command ends with 2."""
