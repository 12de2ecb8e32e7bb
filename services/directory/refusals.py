"""Refusals of the directory besides wrong input, in the words that people read."""

from services.runtime.errors import Conflict, Forbidden, Unauthenticated


class AlreadyExists(Conflict, code="already_exists"):
    """A name that must be unique is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(
            {"en": f"{name} is taken.", "zh": f"{name} 已被使用。"},
            title={"en": "Already exists", "zh": "已存在"},
        )


class LastAdmin(Conflict, code="last_admin"):
    """Nobody would be left who can change the directory."""

    def __init__(self) -> None:
        super().__init__(
            {
                "en": "This is the last active administrator; make another one first.",
                "zh": "这是最后一位在岗的管理员，请先指定另一位。",
            },
            title={"en": "Last administrator", "zh": "最后一位管理员"},
        )


class DefaultDepartment(Conflict, code="default_department"):
    """Tickets that no other department takes would have nowhere to go."""

    def __init__(self) -> None:
        super().__init__(
            {
                "en": "This department takes what no other one does; make another department the default first.",
                "zh": "该部门接收其他部门不受理的工单，请先将另一部门设为默认。",
            },
            title={"en": "Default department", "zh": "默认部门"},
        )


class WrongCredentials(Unauthenticated):
    """The same words for an unknown user, a wrong password and somebody deactivated: it tells nothing apart."""

    def __init__(self) -> None:
        super().__init__({"en": "The user name or the password is wrong.", "zh": "用户名或密码不正确。"})


class BeyondKey(Forbidden):
    """A key would hand out, or touch, more than it holds itself."""

    def __init__(self) -> None:
        super().__init__(
            {
                "en": "A key hands out only what it holds itself: its scopes, roles that they cover, its department.",
                "zh": "密钥只能授予自身拥有的权限：自身的权限范围、其涵盖的角色以及所属部门。",
            }
        )
