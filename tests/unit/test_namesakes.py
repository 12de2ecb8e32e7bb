"""People of one name can be told apart wherever they are named."""

import pytest

from services.access.directory_copy import Roll
from services.console.public_api.directory_names import KnownDirectory
from services.contracts.directory import StaffMember
from services.contracts.namesakes import Named, told_apart


def staff(id_: str, name: str, department: str | None, **more: object) -> dict[str, object]:
    return {"id": id_, "name": name, "department": department, "username": f"user.{id_}", "roles": ["clerk"], **more}


@pytest.mark.parametrize(
    ("people", "called"),
    [
        ((), ()),
        ((("张伟", "维修部"), ("王芳", "维修部")), ("张伟", "王芳")),
        ((("张伟", "维修部"), ("张伟", "物流部")), ("张伟 · 维修部", "张伟 · 物流部")),
        ((("张伟", "维修部"), ("张伟", "维修部")), ("张伟 · u0", "张伟 · u1")),
        ((("张伟", "维修部"), ("张伟", None)), ("张伟 · 维修部", "张伟 · u1")),
        ((("张伟", None), ("张伟", None)), ("张伟 · u0", "张伟 · u1")),
        (
            (("张伟", "维修部"), ("张伟", "维修部"), ("张伟", "物流部")),
            ("张伟 · u0", "张伟 · u1", "张伟 · 物流部"),
        ),
        ((("Ann Lee", "A"), ("ann  lee", "B"), ("ＡＮＮ LEE", "C")), ("Ann Lee · A", "ann  lee · B", "ＡＮＮ LEE · C")),
    ],
)
def test_namesakes_are_called_by_department_and_else_by_user_name(
    people: tuple[tuple[str, str | None], ...], called: tuple[str, ...]
) -> None:
    named = [Named(str(n), name, department, f"u{n}") for n, (name, department) in enumerate(people)]
    assert tuple(told_apart(named).values()) == called


def test_pages_call_staff_and_keys_so_those_who_left_too() -> None:
    directory = KnownDirectory(
        staff={
            str(each["id"]): each
            for each in (
                staff("1", "张伟", "repairs"),
                staff("2", "张伟", "logistics", active=False),
                staff("3", "王芳", "repairs"),
            )
        },
        departments={"repairs": {"name": "维修部"}, "logistics": {"name": "物流部"}},
        keys={"k": {"id": "k", "name": "王芳", "department": None}},
    )
    assert [directory.person(id_) for id_ in ("1", "2", "3", "k", "unknown", None)] == [
        "张伟 · 维修部",
        "张伟 · 物流部",
        "王芳 · 维修部",
        "王芳 · k",
        "unknown",
        "",
    ]


def test_notices_to_staff_call_them_so_too() -> None:
    members = [staff("1", "张伟", "repairs"), staff("2", "张伟", None), staff("3", "王芳", None)]
    roll = Roll(
        staff=tuple(StaffMember.model_validate({"active": True, "language": "zh-CN", **each}) for each in members)
    )
    assert [roll.name_of(id_) for id_ in ("1", "2", "3", "4")] == ["张伟 · repairs", "张伟 · user.2", "王芳", None]
