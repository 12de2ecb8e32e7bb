"""Short texts as one visible line: folded where they come in, and again where they leave.

What was stored before this rule, or came another way, is as hostile as what is typed: mails, pages and calendars fold
what they show, whatever the types promised.
"""

import re
import unicodedata

_SPACES = re.compile(r"\s+")
_USUAL = "A-Za-z0-9\u4e00-\u9fff"
_PLAIN = re.compile(f"[{_USUAL}.,()/#&+'-]+(?: [{_USUAL}.,()/#&+'-]+)*")
_SEEN = re.compile(f"[{_USUAL}]")
"""Nearly every text is one of these, and intake reads thousands a second."""
_FLAG_OF_LETTERS = "\U0001f3f4"
_JOINERS = frozenset("\u200c\u200d")
_VIRAMA = 9
"""The combining class of signs that take a letter's vowel away: a joiner behind one is spelling."""
_TAGS = range(0xE0020, 0xE0080)
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_MONGOLIAN, _MONGOLIAN_FORMS = re.compile("[\u1800-\u18aa]"), re.compile("[\u180b-\u180f]")
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\U0001d159")
"""Letters and marks that show nothing: fillers of Hangul, the empty Braille cell, unwritten vowels of Khmer, a note
without a head, the place of an object that is not there."""
_MOST_MARKS = 5
"""On one letter; scripts need no more, and a tower of them covers the lines above."""
_TOWER = re.compile(rf"[^\w\s!-~]{{{_MOST_MARKS + 1}}}")
_SHOWN_FORMATS = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U00013455]")
"""Format characters that are seen: number signs of Arabic, controls of hieroglyphs."""
_IGNORED = re.compile("[\u2065\ufdd0-\ufdef\ufff0-\ufff8\U000e0000-\U000e0fff]")
"""Unassigned for ever, or ignored by every font; other unassigned ones may be letters younger than this Python."""
_JOINS = re.compile(
    "[\u0600-\u1cff\u2190-\u2bff\u3030\u303d\u3297\u3299\ua800-\uabff\ufb50-\ufefc\ufe0f\u20e3"
    "\U00010a00-\U00011fff\U0001e900-\U0001e95f\U0001f000-\U0001fbff]"
)
"""Scripts whose letters join, and emoji: joiners belong to their spelling, and nowhere else."""
_KNOWN_ENDS = (
    "com|net|org|info|biz|xyz|top|vip|shop|club|site|online|store|app|dev|link|live|work|icu|pro|mobi|asia|wang|ink|fun|"
    "click|page|cloud|zip|mov|win|bid|loan|review|stream|download|racing|party|science|ltd|group|world|today|life|"
    "space|website|tech|host|press|news|email|money|support|help|services|red|kim|lol|sbs|cfd|bond|rest|quest|cyou|monster|"
    "buzz|gift|center|company|network|solutions|art|design|edu|gov|xin|ren|love|beauty|chat|video|cam|"
    "cn|hk|tw|mo|jp|kr|sg|io|ai|co|me|tv|cc|ru|us|uk|eu|de|fr|in|ly|gl|gg|tk|ml|ga|cf|gq|ws|pw|"
    "中国|中國|公司|网络|網絡|网址|商城|网店|在线|集团|我爱你"
)
_ADDRESS = re.compile(
    rf"""(?ix) [a-z][a-z0-9+.-]*://          # a scheme, whatever follows
    | \b(?:mailto|tel|sms):
    | \bwww\.                                # programs make links of this alone
    | [\w-]\.(?:{_KNOWN_ENDS})(?![\w-])     # a host
    | [\w-]{{2}}\.(?-i:[a-z]{{2,}})/          # a host of any other name, with a path""",
)
_STOP = re.compile("。(?=[A-Za-z])")
_WRITTEN_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]*://|\bwww\.")


_PLANE_ENDS = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffc\U0001d159\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    f"\U000e0000-\U000e0fff{_PLANE_ENDS}]"
)
"""Everything that needs a second look. Most texts hold none of it, and pages print thousands of them."""


def one_line(text: str) -> str:
    """Fold a text to one line of what is seen: any run of space is one space, controls and what turns the direction of
    writing are gone, letters of every script and emoji stay. Nothing visible leaves nothing."""
    if _PLAIN.fullmatch(text):
        return text
    line = _SPACES.sub(" ", visible(text)).strip()
    return line if any(_is_seen(letter) for letter in line) else ""


def is_seen(text: str) -> bool:
    """Whether anything in a text of any length is seen."""
    return bool(_SEEN.search(text)) or one_line(text) != ""


def visible(text: str) -> str:
    """Take out of a text of any length what is not seen and changes how the rest is read; spaces and line ends stay."""
    if not _SUSPECT.search(text):
        return _without_towers(text)
    kept: list[str] = []
    for letter in text:
        if _stays(letter, kept[-1] if kept else ""):
            kept.append(letter)
    return _without_towers("".join(kept))


def has_address(text: str) -> bool:
    """Whether a short text holds an address as people write them, with its scheme or `www`."""
    return _WRITTEN_ADDRESS.search(_dotted(one_line(text))) is not None


def harmless(text: str | None) -> str | None:
    """A short text that may stand in what we send to others: one line without anything that mail programs would make a
    link of. None where nothing is left, or it looks like an address."""
    line = one_line(text or "")
    return None if not line or _ADDRESS.search(_dotted(line)) else line


def _dotted(line: str) -> str:
    """A line as programs read addresses in it: half width, a Chinese stop before letters as a dot (RFC 3490)."""
    return _STOP.sub(".", unicodedata.normalize("NFKC", line))


def _without_towers(text: str) -> str:
    """Leave each letter the marks that its script may need."""
    if not _TOWER.search(text):
        return text
    kept, height = [], 0
    for letter in text:
        height = height + 1 if unicodedata.category(letter) in {"Mn", "Me"} else 0
        if height <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def _stays(letter: str, before: str) -> bool:
    category, number = unicodedata.category(letter), ord(letter)
    if category == "Cc":
        return letter.isspace()
    if letter in _JOINERS:
        return bool(_JOINS.match(before)) or (bool(before) and unicodedata.combining(before) == _VIRAMA)
    if number in _TAGS:
        return before == _FLAG_OF_LETTERS or (bool(before) and ord(before) in _TAGS)
    if _MONGOLIAN_FORMS.match(letter):
        return bool(_MONGOLIAN.match(before))
    if _SELECTORS.match(letter):
        return bool(before) and not before.isspace() and not _SELECTORS.match(before)
    if letter in _BLANK_LETTERS or category == "Cs" or letter in _PLANE_ENDS or _IGNORED.match(letter):
        return False
    return category != "Cf" or bool(_SHOWN_FORMATS.match(letter))


def _is_seen(letter: str) -> bool:
    return letter not in _JOINERS and unicodedata.category(letter)[0] not in "MZ" and ord(letter) not in _TAGS
