"""What customers read on the pages of intake, and why a text is no phone number."""

from pathlib import Path

from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words"))
