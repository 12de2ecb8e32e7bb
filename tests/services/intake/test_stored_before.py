"""Names stored before they were one line can be read, shown and gone on from, and looks like nothing of ours."""

from typing import Any

from sqlalchemy import text

from services.intake.feedback.queries import registrations
from tests.services.intake.harness import IntakeHarness

HOSTILE = "张三\n\n点击\nhttps://evil.example/x\n\n客户"


async def stored_before(harness: IntakeHarness, name: str) -> tuple[str, dict[str, Any]]:
    """A feedback whose short texts were all stored as somebody typed them; its number, and its customer."""
    ticket_no = (await harness.register(complaint_about="维修部"))["ticket_no"]
    statement = """
        UPDATE intake.feedback SET contact = contact || jsonb_build_object('name', CAST(:name AS text)),
            content = content || jsonb_build_object(
                'complaint_about', CAST(:name AS text), 'situation', CAST(:name AS text),
                'product', jsonb_build_object('model', CAST(:name AS text), 'serial_no', CAST(:name AS text)))
        WHERE ticket_no = :ticket_no RETURNING customer_id"""
    async with harness.intake.database.begin() as connection:
        customer_id = await connection.scalar(text(statement), {"name": name, "ticket_no": ticket_no})
        await connection.execute(
            text("UPDATE intake.customers SET name = :name WHERE id = :id"), {"name": name, "id": customer_id}
        )
    return ticket_no, {"ticket_no": ticket_no, "customer_id": customer_id}


async def test_a_hostile_row_is_read_as_one_line_everywhere(harness: IntakeHarness) -> None:
    for name in (HOSTILE, "\u200b\u202e", "李\u2028四"):
        ticket_no, ask = await stored_before(harness, name)
        shown = (await harness.call("GET", f"/v1/feedback/{ticket_no}", by="李雷")).json()
        profile = (await harness.call("GET", f"/v1/customers/{ask['customer_id']}", by="李雷")).json()
        address = (await harness.ask("POST", "/internal/customers/addresses", {"asks": [ask]})).json()["items"][0]
        async with harness.intake.database.read() as connection:
            (registration,) = await registrations(connection, [ticket_no])
        told = [shown["customer"]["name"], shown["complaint_about"], shown["product"]["model"], profile["name"],
                address["name"], registration.complaint_about, registration.product.serial_no]  # fmt: skip
        assert not [each for each in told if each and set(each) & set("\n\u2028\u202e\u200b")]
        supplied = {"command_id": f"c-{ticket_no}", "supplement": {"situation": "早上"}}
        answer = await harness.ask("POST", f"/internal/feedback/{ticket_no}/supplement", supplied)
        assert answer.status_code == 200, answer.text
        question = {
            "command_id": f"q-{ticket_no}",
            "question": "还有保修吗？",
            "channel": "phone",
            "response_target": "PT24H",
        }
        followed = await harness.ask("POST", f"/internal/feedback/{ticket_no}/follow-ups", question)
        assert followed.status_code == 200, followed.text
