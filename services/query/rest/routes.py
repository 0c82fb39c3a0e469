"""Every route there is, in the order of the document."""

from fastapi import APIRouter

from services.query.rest import (
    accesses,
    analyses,
    cameras,
    coverage,
    docs,
    event,
    events,
    facts,
    looks,
    media,
    page,
    people,
    registration,
    reports,
    segments,
    sessions,
    spend,
    stats,
    stream,
    videos,
)

ROUTERS: tuple[APIRouter, ...] = tuple(
    part.router
    for part in (
        cameras,
        registration,
        events,
        event,
        analyses,
        stats,
        coverage,
        segments,
        looks,
        spend,
        reports,
        media,
        videos,
        sessions,
        people,
        accesses,
        facts,
        stream,
        docs,
        page,
    )
)
