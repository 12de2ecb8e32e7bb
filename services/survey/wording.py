"""What the survey's pages say."""

from pathlib import Path

from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words.toml"))
