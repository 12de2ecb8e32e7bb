"""A request to an app of the same process is what a server would have handed it."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.runtime.http.local_call import LocalCall

app = FastAPI()
_let_go = asyncio.Event()
finished: list[str] = []


@app.api_route("/told/{name}", methods=["GET", "POST"])
async def tell(request: Request, name: str) -> JSONResponse:
    """Answer with what was asked."""
    told = {
        "name": name,
        "query": request.query_params.multi_items(),
        "by": request.headers.get("x-by"),
        "from": request.client.host if request.client else None,
        "body": (await request.body()).decode(),
    }
    return JSONResponse(told, status_code=201, headers={"Retry-After": "3"})


@app.get("/slow")
async def wait() -> None:
    """Answer when it is let go."""
    await _let_go.wait()
    finished.append("slow")


def call(path: str, **asked: Any) -> LocalCall:
    """A question of somebody."""
    return LocalCall(**{"method": "GET", "path": path, "query": "", "headers": {}, **asked})


async def test_app_sees_path_query_headers_address_and_body() -> None:
    asked = call(
        "/told/%E9%9F%A9",
        method="POST",
        query="q=a%26b&q=c",
        headers={"X-By": "a clerk"},
        body=b"{}",
        client="10.0.0.7",
    )
    status, headers, body = await asked.answered_by(app, seconds=5)
    assert (status, headers[b"retry-after"]) == (201, b"3")
    assert json.loads(body) == {
        "name": "韩",
        "query": [["q", "a&b"], ["q", "c"]],
        "by": "a clerk",
        "from": "10.0.0.7",
        "body": "{}",
    }


async def test_request_whose_answer_is_late_goes_on_without_whoever_asked() -> None:
    with pytest.raises(TimeoutError):
        await call("/slow").answered_by(app, seconds=0.01)
    assert finished == []
    _let_go.set()
    while not finished:  # noqa: ASYNC110 - it is another task's doing
        await asyncio.sleep(0)


async def test_failure_of_an_app_is_raised_to_whoever_asked() -> None:
    async def failing(*_: Any) -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        await call("/").answered_by(failing, seconds=5)
