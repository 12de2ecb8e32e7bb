"""Everything that a person reads in the console; the name of a page's text begins with the page."""

from pathlib import Path

from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words"))
