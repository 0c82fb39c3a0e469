"""What can go wrong on the bus, in words that say what to do next."""


class BusError(Exception):
    """Something the bus could not do."""


class NoServer(BusError):
    """No server answered at the address, or it refused the user."""


class OldServer(NoServer):
    """The server cannot keep what the contract promises: another one is needed."""


class NotStored(BusError):
    """Whether the message was stored is unknown, or it was not: send the same id again."""


class Refused(BusError):
    """The server will never take this message as it is (limits, rights): repeating it is useless."""


class NoStream(NotStored):
    """No stream takes this subject: it must be made first."""


class Full(NotStored):
    """The stream takes no more for now (back-pressure): wait, then send the same id again."""


class Conflict(BusError):
    """Somebody else wrote first: read again, decide again."""


class TooLarge(BusError):
    """The message with its headers would break the connection; it was not sent."""


class WrongStream(BusError):
    """A stream stands on the server in a form that would lose what the contract promises."""
