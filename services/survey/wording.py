"""Words of the survey's pages."""

from pathlib import Path

from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words.toml"))
