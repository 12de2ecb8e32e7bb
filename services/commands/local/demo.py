"""A handful of tickets for a new stack, made through the public API like anybody's."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx

_TRIES = 5


@dataclass(frozen=True)
class Story:
    """A feedback and what happened to its ticket so far."""

    name: str
    feedback: dict[str, Any]
    steps: tuple[tuple[str, dict[str, Any]], ...] = field(default=())


DEPARTMENTS = (
    {"id": "repair", "name": "维修部", "categories": ["product_fault"]},
    {"id": "logistics", "name": "物流部", "categories": ["logistics_delay"]},
)
STORIES = (
    Story(
        "fridge",
        {
            "channel": "web",
            "customer": {"name": "韩梅梅", "phone": "+8613800138001", "customer_no": "C1001", "tier": "vip"},
            "product": {"model": "BCD-500", "serial_no": "SER20230915002", "order_no": "ORD2023901"},
            "kind": "fault",
            "category": "product_fault",
            "urgency": "urgent",
            "description": "冰箱冷藏室不制冷，断电重启后仍然不行，食物已经开始变质。",
            "already_tried": "断电重启",
            "desired_solution": "repair",
        },
        (
            ("accept", {"department": "repair"}),
            ("respond", {"message": "您好，我们已收到您的报修，工程师今天下午与您联系。"}),
            ("plan", {"steps": "上门检测压缩机和温控器，必要时更换。", "cause": "hardware"}),
            ("progress", {"message": "已预约明天上午九点上门。", "visible": True}),
        ),
    ),
    Story(
        "parcel",
        {
            "channel": "app",
            "customer": {"name": "李明", "phone": "+8613800138002"},
            "product": {"order_no": "ORD2023955"},
            "kind": "complaint",
            "category": "logistics_delay",
            "description": "订单显示已发货七天，物流信息一直没有更新。",
            "desired_solution": "compensation",
        },
        (
            ("accept", {"department": "logistics"}),
            ("respond", {"message": "非常抱歉，我们正在与承运方核实包裹位置。"}),
            ("resolve", {"result": "resolved", "summary": "包裹已找到并于今日送达，补偿运费券。", "cause": "supplier"}),
        ),
    ),
    Story(
        "subtitles",
        {
            "channel": "email",
            "language": "en",
            "customer": {"name": "Grace Miller", "email": "grace.miller@example.com"},
            "product": {"model": "TV-65Q"},
            "kind": "consultation",
            "category": "usage_question",
            "urgency": "low",
            "description": "How do I switch the menu and the subtitles to English?",
        },
        (
            ("accept", {}),
            ("respond", {"message": "Settings, System, Language: choose English for both."}),
            ("resolve", {"result": "resolved", "summary": "Explained the language settings."}),
            ("record-callback", {"outcome": "satisfied", "channel": "email"}),
        ),
    ),
    Story(
        "kettle",
        {
            "channel": "phone",
            "customer": {"name": "王建国", "phone": "+8613800138003"},
            "product": {"model": "KT-18"},
            "kind": "fault",
            "category": "product_fault",
            "description": "电水壶底座有焦味并冒烟，已停止使用。",
            "impact": {"safety_risk": True},
        },
    ),
    Story(
        "praise",
        {
            "channel": "mini_program",
            "customer": {"name": "陈晓", "wechat_open_id": "demo-open-id-1"},
            "kind": "praise",
            "category": "service_attitude",
            "description": "安装师傅非常耐心，讲解也很清楚，表扬！",
        },
        (("accept", {}),),
    ),
)


async def play(url: str, key: str) -> int:
    """Send every story; sending them again changes nothing. Return how many tickets there are then."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
        for department in DEPARTMENTS:
            await _post(client, "/v1/departments", department, f"demo-{department['id']}")
        await asyncio.gather(*(_tell(client, story) for story in STORIES))
    return len(STORIES)


async def _tell(client: httpx.AsyncClient, story: Story) -> None:
    registered = await _post(client, "/v1/feedback", story.feedback, f"demo-{story.name}")
    path = f"/v1/tickets/{registered['ticket_no']}"
    for number, (command, body) in enumerate(story.steps):
        await _post(client, f"{path}/{command}", body, f"demo-{story.name}-{number}")


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any], key: str) -> Any:
    """Post, and again with the same key while the answer is unknown."""
    for attempt in range(_TRIES):
        answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        await asyncio.sleep(attempt + 1)
    answer.raise_for_status()
    return answer.json()
