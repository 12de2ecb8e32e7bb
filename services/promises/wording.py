"""How due times are explained, and what is said of policies, calendars and files of them."""

from pathlib import Path

from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words"))
