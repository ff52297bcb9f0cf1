"""The six kinds of failure the domain can report.

Kinds, not status codes: only `app.api.problems` knows how a kind looks over HTTP.
Every message is safe to show to the person who caused it: no national number, no
secret, no internal name.

    Failure
    ├── NotFound          what was asked for is not there (or not yours: same words)
    ├── Conflict          it clashes with what is there already
    ├── NotEligible       the rules do not give this person a card
    ├── Unauthenticated   we do not know who is asking
    ├── Forbidden         we know who is asking, and they may not
    └── Unavailable       we, or somebody we depend on, cannot answer now
"""


class Failure(Exception):
    """Base of the kinds; `str(failure)` is the safe sentence for the person."""


class NotFound(Failure):
    """What was asked for is not there, or is not the asker's."""


class Conflict(Failure):
    """The request clashes with the present state."""


class NotEligible(Failure):
    """The rules of entitlement do not allow this."""


class Unauthenticated(Failure):
    """Nobody proved who they are."""


class Forbidden(Failure):
    """The asker is known and may not do this."""


class Unavailable(Failure):
    """Neither yes nor no can be said now; try again after `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: int = 5) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
