"""Words that explain due times and tell of policies, calendars and files of them."""

from pathlib import Path

from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words"))
