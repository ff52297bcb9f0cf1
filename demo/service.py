"""The service as the demonstration runs it: the product itself, and `/demo/states` beside it."""

from app.log import configure
from app.main import create_app
from app.settings import Settings
from demo.states import router

configure()
app = create_app(Settings())
app.include_router(router)
