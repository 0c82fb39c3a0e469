"""Runs query: the web server, the readers of the bus and the registration of cameras, until it is told to stop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from functools import cache, partial

import uvicorn
from fastapi import Depends, FastAPI

from libs.bus import Bus, with_bus
from libs.observe import Health, get_log
from services.query.commands import register_cameras
from services.query.rest import docs, page, problems
from services.query.rest.bodies import plain_json
from services.query.rest.connection import Connection
from services.query.rest.document import api_document
from services.query.rest.gate import Gate
from services.query.rest.gate_rules import MAX_BODY
from services.query.rest.hot import Hot
from services.query.rest.live_items import showing
from services.query.rest.routes import ROUTERS
from services.query.settings import Settings
from services.query.site import Site

GRACE = 1
"""Seconds that answers in progress get at the end."""
log = get_log()


class WebServer(uvicorn.Server):
    """uvicorn beside our other tasks: signals are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave every signal alone."""
        yield


def create_app(site: Site) -> FastAPI:
    """The application behind the gate."""
    app = FastAPI(
        openapi_url=None,  # served by `docs`, for those who signed in
        docs_url=None,  # the default pages load their scripts from other sites
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=MAX_BODY,
    )
    app.state.site, app.state.page, app.state.docs = site, page.read_page(), page.read_page(docs.FILES)
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(plain_json)])
    problems.install(app, (route for router in ROUTERS for route in router.routes))
    app.openapi = cache(partial(api_document, ROUTERS))  # type: ignore[method-assign]
    return app


def listen(settings: Settings) -> socket.socket:
    """The socket of page and API. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named: else every second answer of a
    # connection waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.http_host, settings.http_port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


async def serve(site: Site, listener: socket.socket, health: Health, stop: asyncio.Event) -> None:
    """Run until `stop`. Page and API are there at once; the bus is awaited."""
    server = WebServer(_config(site))
    log.info("serves", url=_url(listener))
    async with asyncio.TaskGroup() as tasks:
        web = tasks.create_task(server.serve([listener]))
        web.add_done_callback(lambda _: stop.set())
        work = (
            _keep_bus(site),
            site.records.keep(),
            site.directory.keep(),
            site.hub.watch(),
            _watch(site, health),
            health.turn(),
        )
        others = [tasks.create_task(one) for one in work]
        await stop.wait()
        health.say("stopping", ready=False)
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # answers that are cut off now are no errors
        site.hub.close()
        server.should_exit = True
        for other in others:
            other.cancel()
        await web
    log.info("stopped")


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(site: Site) -> uvicorn.Config:
    return uvicorn.Config(
        Gate(Hot(create_app(site), site), site),
        http=Connection,  # h11: unlike httptools it bounds what it reads before a request is whole
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
    )


async def _keep_bus(site: Site) -> None:
    """Connect as soon as there is a server; a connection that was there once comes back by itself."""

    async def use(bus: Bus) -> None:
        site.bus, site.bus_problem = bus, ""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(site.view.keep(bus))
                tasks.create_task(site.records.read(bus))
                tasks.create_task(site.audit.keep(bus))
                tasks.create_task(site.hub.read(bus, showing(site)))
                if site.settings.query_role != "projector":
                    tasks.create_task(register_cameras(site))
        finally:
            site.bus = None

    def waits(why: str) -> None:
        site.bus_problem = why

    await with_bus(site.settings, "query", use, asyncio.Event(), waits)


async def _watch(site: Site, health: Health) -> None:
    """Keep the site clock right and show how the service is."""
    while True:
        site.clock.check()
        site.mount()
        state, ready, why = site.verdict()
        if (state, why) != (health.state, health.why):
            log.info("state", state=state, why=why)
        health.say(state, ready=ready, why=why)
        await asyncio.sleep(1.0 if ready else 0.1)
