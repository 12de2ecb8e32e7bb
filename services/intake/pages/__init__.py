"""The customer's pages: reporting something (`/f`) and their own ticket (`/t/{token}`)."""

from services.intake.pages.report import router as report_router
from services.intake.pages.ticket import router as ticket_router

routers = [report_router, ticket_router]

__all__ = ["routers"]
