"""HTTP: apps, problem documents, lists, and the server that bounds what it takes."""

from services.runtime.http.app import create_app
from services.runtime.http.conditions import ANY, IfMatch, etag, if_match, is_known, require_version
from services.runtime.http.edge import Bounds, Refuse, leave_the_bound
from services.runtime.http.internal import create_internal_app
from services.runtime.http.paging import (
    CursorQuery,
    LimitQuery,
    cursor_instant,
    decode_cursor,
    encode_cursor,
    foreign_cursor,
    page,
)
from services.runtime.http.problems import ErrorItem, Problem, preferred_language, problem_response
from services.runtime.http.server import PortTaken, Server, build_server

__all__ = [
    "ANY",
    "Bounds",
    "CursorQuery",
    "ErrorItem",
    "IfMatch",
    "LimitQuery",
    "PortTaken",
    "Problem",
    "Refuse",
    "Server",
    "build_server",
    "create_app",
    "create_internal_app",
    "cursor_instant",
    "decode_cursor",
    "encode_cursor",
    "etag",
    "foreign_cursor",
    "if_match",
    "is_known",
    "leave_the_bound",
    "page",
    "preferred_language",
    "problem_response",
    "require_version",
]
