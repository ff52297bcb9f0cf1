"""Why a log-in is refused: the cause for our log, the remedy for the person.

Knows every cause by a stable word and the one sentence that goes with its remedy. Neither
ever holds a token, a code, a number or a name: whatever the provider or the browser sent
stays out of the exception.
"""

from enum import StrEnum

from app.errors import Unauthenticated


class Remedy(StrEnum):
    """What the person can do about a refusal; the pages key their texts on it."""

    START_AGAIN = "start-again"
    CANCELLED = "cancelled"
    STRONGER_MEANS = "stronger-means"
    AS_CITIZEN = "as-citizen"
    AS_OFFICIAL = "as-official"
    NO_ROLE = "no-role"
    NO_NUMBER = "no-number"
    LATER = "later"


class Cause(StrEnum):
    """Which check refused a log-in; the numbers are those of `oidc` and `id_token`."""

    PARAMETERS = "parameters"  # 1
    ATTEMPT = "attempt"  # 2
    STATE = "state"  # 3
    RESPONSE_ISS = "response-iss"  # 4
    CANCELLED = "cancelled"  # 5
    ERROR = "error"  # 5
    CODE = "code"  # 6
    CODE_REFUSED = "code-refused"  # 7
    TOKEN_RESPONSE = "token-response"  # noqa: S105 - the name of a check; 8
    FORM = "form"  # 9
    HEADER = "header"  # 10
    KEY = "key"  # 11
    SIGNATURE = "signature"  # 12
    ISS = "iss"  # 13
    SUB = "sub"  # 14
    AUD = "aud"  # 15
    AZP = "azp"  # 16
    EXP = "exp"  # 17
    IAT = "iat"  # 18
    NBF = "nbf"  # 19
    NONCE = "nonce"  # 20
    AT_HASH = "at-hash"  # 21
    AUTH_TIME = "auth-time"  # 22
    ACR = "acr"  # 23
    USERINFO = "userinfo"  # 24
    CAPACITY = "capacity"  # 25
    OFFICIAL_CAPACITY = "official-capacity"  # 25
    ORGANISATION = "organisation"  # 25
    ROLE = "role"  # 25
    NATIONAL_NUMBER_MISSING = "national-number-missing"  # 26
    NATIONAL_NUMBER = "national-number"  # 26
    NAME = "name"  # 27


REMEDIES = {
    Cause.PARAMETERS: Remedy.START_AGAIN,
    Cause.ATTEMPT: Remedy.START_AGAIN,
    Cause.STATE: Remedy.START_AGAIN,
    Cause.CANCELLED: Remedy.CANCELLED,
    Cause.CODE: Remedy.START_AGAIN,
    Cause.CODE_REFUSED: Remedy.START_AGAIN,
    Cause.AUTH_TIME: Remedy.START_AGAIN,
    Cause.ACR: Remedy.STRONGER_MEANS,
    Cause.CAPACITY: Remedy.AS_CITIZEN,
    Cause.OFFICIAL_CAPACITY: Remedy.AS_OFFICIAL,
    Cause.ORGANISATION: Remedy.NO_ROLE,
    Cause.ROLE: Remedy.NO_ROLE,
    Cause.NATIONAL_NUMBER_MISSING: Remedy.NO_NUMBER,
    Cause.NATIONAL_NUMBER: Remedy.NO_NUMBER,
}

SENTENCES = {
    Remedy.START_AGAIN: "This log-in has ended, or was begun in another browser. Start again.",
    Remedy.CANCELLED: "The log-in was cancelled. Nothing has changed.",
    Remedy.STRONGER_MEANS: "Log in with eID, itsme or another means of at least that strength.",
    Remedy.AS_CITIZEN: "Log in as a citizen, not on behalf of a school or an organisation.",
    Remedy.AS_OFFICIAL: "Log in on behalf of the school or the organisation that you work for.",
    Remedy.NO_ROLE: "This account has no role here. Who manages accounts there can give it one.",
    Remedy.NO_NUMBER: "The log-in gave no valid national number. Use another means of log-in.",
    Remedy.LATER: "The answer of the log-in service could not be trusted. Try again later.",
}


class LoginRefused(Unauthenticated):
    """A log-in that did not prove who the person is; nothing of it is kept."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        self.remedy = REMEDIES.get(cause, Remedy.LATER)
        super().__init__(SENTENCES[self.remedy])
