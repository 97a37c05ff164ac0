"""What routes are handed."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from search.server.service import Service


def get_service(request: Request) -> Service:
    """The service of the application."""
    service: Service = request.app.state.service
    return service


TheService: TypeAlias = Annotated[Service, Depends(get_service)]
