"""The floor of intake, a process of its own: a FastAPI handler that does one INSERT and answers a number."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI, Request

TABLE = "CREATE TABLE IF NOT EXISTS bench_feedback (id bigserial PRIMARY KEY, content jsonb NOT NULL)"
INSERT = "INSERT INTO bench_feedback (content) VALUES ($1) RETURNING id"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    size = int(os.environ["BENCH_POOL_SIZE"])
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=size, max_size=size) as pool:
        await pool.execute(TABLE)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan)


@app.post("/v1/feedback", status_code=201)
async def register(request: Request, feedback: dict[str, Any]) -> dict[str, int]:
    """Store the body."""
    return {"id": await request.app.state.pool.fetchval(INSERT, json.dumps(feedback))}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["BENCH_PORT"]), log_config=None, access_log=False, server_header=False)
