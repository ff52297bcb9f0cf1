"""The application as servers import it: `uvicorn app.asgi:app`."""

from app.log import configure
from app.main import create_app
from app.settings import Settings

configure()
app = create_app(Settings())
