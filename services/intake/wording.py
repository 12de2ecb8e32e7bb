"""Words of intake's pages and refusals, and the reasons that a text is no phone number."""

from pathlib import Path

from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words"))
