"""The committed document is one that clients are generated from: no name in it twice, and nothing that is dropped."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import APIRouter

from services.contracts.journal import EventType
from services.notify.webhooks.dispatcher import body_of
from services.notify.webhooks.messages import WebhookMessage, WebhookTest
from services.notify.webhooks.schemas import TEST_TYPE
from services.runtime.http.app import create_app
from services.runtime.http.openapi import with_one_name_a_schema
from services.runtime.settings import RuntimeSettings
from tests.generated import DOCUMENT, Generated, generated

WRITTEN: dict[str, Any] = json.loads(DOCUMENT.read_text())
SCHEMAS: dict[str, Any] = WRITTEN["components"]["schemas"]
OPERATIONS = [operation for path in WRITTEN["paths"].values() for operation in path.values()]
DELIVERY = {
    "type": "ticket.accepted",
    "event_id": "20261122001-2",
    "occurred_at": datetime(2026, 11, 22, tzinfo=UTC),
    "ticket_no": "20261122001",
    "seq": 2,
    "data": {"from": "pending.review", "to": "processing.assigned", "cycle": 1, "owner": None},
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    with generated(tmp_path_factory.mktemp("generated")) as client:
        yield client


def test_a_client_is_generated_without_a_warning_and_with_every_operation(client: Generated) -> None:
    assert client.warnings == []
    made = [module.__name__.rsplit(".", 1)[-1] for module in client.modules() if hasattr(module, "asyncio_detailed")]
    assert sorted(made) == sorted(operation["operationId"] for operation in OPERATIONS)


def test_a_client_has_a_class_for_every_schema(client: Generated) -> None:
    shapes = [name for name, schema in SCHEMAS.items() if schema.get("type") == "object" or "enum" in schema]
    assert [name for name in shapes if not hasattr(client.model(name), "__module__")] == []


def test_every_schema_has_one_name_which_is_its_title_and_a_class_s_in_any_language() -> None:
    assert [name for name, schema in SCHEMAS.items() if schema["title"] != name] == []
    assert [name for name in SCHEMAS if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)] == []
    assert len({name.lower() for name in SCHEMAS}) == len(SCHEMAS)


def test_no_operation_is_named_after_its_path() -> None:
    names = [operation["operationId"] for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name) or "v1" in name] == []


def test_problems_are_told_apart_from_successes_by_their_status() -> None:
    assert all({"4XX", "5XX"} <= operation["responses"].keys() for operation in OPERATIONS)
    assert not any("default" in operation["responses"] for operation in OPERATIONS)


def test_every_type_of_event_is_documented_as_a_webhook() -> None:
    assert WRITTEN["webhooks"].keys() == {*map(str, EventType), TEST_TYPE}


@pytest.mark.parametrize(
    ("changes", "model"),
    [
        ({}, WebhookMessage),
        (
            {"data": {"from": None, "to": "pending.review", "cycle": 1, "kind": "fault", "due": {"callback": None}}},
            WebhookMessage,
        ),
        ({"type": TEST_TYPE, "ticket_no": None, "seq": None, "data": {}}, WebhookTest),
    ],
)
def test_what_is_sent_is_what_is_documented(changes: dict[str, Any], model: type[WebhookMessage | WebhookTest]) -> None:
    sent = body_of({**DELIVERY, **changes})
    assert model.model_validate_json(sent).model_dump(mode="json") == json.loads(sent)


@pytest.mark.parametrize(
    "names",
    [
        ("services__intake__models__Nothing", "services__notify__models__Nothing"),
        ("Product-Input", "ProductInput"),
    ],
)
def test_two_models_of_one_name_are_refused(names: tuple[str, str]) -> None:
    document = {"components": {"schemas": {name: {"title": "Nothing"} for name in names}}}
    with pytest.raises(ValueError, match=names[0]):
        with_one_name_a_schema(document)


def test_references_and_discriminators_follow_a_name() -> None:
    document = {
        "paths": {"mapping": {"product": "#/components/schemas/Product-Input"}, "$ref": "#/components/schemas/Other"},
        "components": {"schemas": {"Product-Input": {"title": "Product"}, "Page_Key_": {"title": "Page[Key]"}}},
    }
    assert with_one_name_a_schema(document) == {
        "paths": {"mapping": {"product": "#/components/schemas/ProductInput"}, "$ref": "#/components/schemas/Other"},
        "components": {"schemas": {"ProductInput": {"title": "ProductInput"}, "PageKey": {"title": "PageKey"}}},
    }


def test_two_endpoints_of_one_name_are_refused() -> None:
    router = APIRouter()

    async def read() -> None:
        pass

    for path in ("/v1/books", "/v1/shelves"):
        router.get(path)(read)
    with pytest.raises(ValueError, match="read"):
        create_app("library", router, settings=RuntimeSettings(), authenticator=None).openapi()
