"""The application as servers import it: `uvicorn app.asgi:app`."""

import gc

# What is imported stays; looking for circles among it meanwhile costs a sixth of the start.
gc.disable()

from app.log import configure
from app.main import create_app
from app.settings import Settings

configure()
app = create_app(Settings())

# What a process starts with it keeps, so no collection need look at it again, and what a request
# makes is freed by its last reference: looking for circles after every 700 objects costs a fifth.
gc.freeze()
gc.set_threshold(20_000, 20, 20)
gc.enable()
