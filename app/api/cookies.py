"""The cookies that we give browsers: their names and flags, and nothing of what they open."""

from fastapi import Request, Response

from app.api.deps import House


def set_cookie(
    response: Response, house: House, name: str, value: str, *, max_age_s: int | None = None
) -> None:
    """Give the browser a cookie that only this host gets and no script reads."""
    response.set_cookie(
        cookie_name(house, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=house.https,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, house: House, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        cookie_name(house, name), path="/", secure=house.https, httponly=True, samesite="lax"
    )


def read_cookie(request: Request, house: House, name: str) -> str | None:
    """The value of one of our cookies."""
    return request.cookies.get(cookie_name(house, name))


def cookie_name(house: House, name: str) -> str:
    """Under https the browser itself guards host, path and Secure; only the demo does without."""
    return f"__Host-{name}" if house.https else name
