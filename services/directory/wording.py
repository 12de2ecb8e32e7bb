"""Words in which the directory refuses: by the code of a refusal, and of what is wrong with a field."""

from pathlib import Path

from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words.toml"))
