"""API keys, without their secrets: each is shown once, when it is made."""

from services.console.registers.admin_lists import KEYS
from services.console.registers.register_page import RegisterPage

router = RegisterPage(KEYS).router()
