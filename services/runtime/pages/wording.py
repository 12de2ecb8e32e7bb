"""Words of the frame of every page."""

from pathlib import Path

from services.wording import Wording

FRAME = Wording(Path(__file__).with_name("words.toml"))
