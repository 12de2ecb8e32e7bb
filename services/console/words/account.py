"""Words of the page about oneself: who one is here, and one's own password."""

TEXTS: dict[str, tuple[str, str]] = {
    "account.own": ("我的账号与密码", "Account and password"),
    "account.title": ("我的账号", "My account"),
    "account.name": ("姓名", "Name"),
    "account.username": ("用户名", "User name"),
    "account.roles": ("角色", "Roles"),
    "account.department": ("部门", "Department"),
    "account.kept_by": (
        "以上信息由管理员在“人员”中维护。",
        "An administrator keeps this under People.",
    ),
    "account.password": ("修改密码", "Change your password"),
    "account.password.about": (
        "修改后，您在其他设备和浏览器上的登录会在几秒内结束；本次登录继续有效。",
        "Within seconds this signs you out on every other device and browser. You stay signed in here.",
    ),
    "account.password.current": ("当前密码", "Current password"),
    "account.password.new": ("新密码", "New password"),
    "account.password.new.hint": ("至少 10 个字符。", "At least 10 characters."),
    "account.password.repeated": ("再次输入新密码", "New password again"),
    "account.password.go": ("修改密码", "Change password"),
    "account.password.differs": (
        "两次输入的新密码不一致。",
        "This is not the same as the new password above.",
    ),
    "account.password.done": (
        "密码已修改。您在其他地方的登录已经结束，请在那里用新密码登录。",
        "Your password is changed. Everywhere else you are signed out: sign in there with the new one.",
    ),
    "account.password.too_often": (
        "当前密码输错次数过多，请在 {minutes} 分钟后重试。",
        "The current password was wrong too often. Please try again in {minutes} min.",
    ),
    "account.password.forgotten": (
        "忘记当前密码？请管理员在“人员”中为您设置新密码。",
        "Forgotten the current one? An administrator can set a new one under People.",
    ),
}
