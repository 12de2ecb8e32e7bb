"""Phone numbers as people write them: brackets, words around, full width, an extension behind.

One spelling is stored: E.164, with `;ext=801` behind it where there is an extension (RFC 3966). What is no number is
kept as it was typed; it never begins with `+`, which tells the two apart.
"""

import re
import unicodedata
from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult

from services.contracts.lines import visible

_HOME = "CN"
_HOME_CODE = 86
_NEAR = ("86", "852", "853", "886")
"""Country codes that people of this country write without a plus."""
_REGIONS = (("HK", re.compile(r"香港|hong ?kong|\bhk\b")), ("MO", re.compile(r"澳门|澳門|maca[uo]")),
            ("TW", re.compile(r"台湾|台灣|臺灣|taiwan")))  # fmt: skip
# Nearly every phone is a mobile one of the home country; asking the library costs more than all other checks together.
_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})", re.ASCII)
_MOBILE_IN = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)", re.ASCII)
_HOME_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_DASHES = re.compile("[\u2010-\u2015\u2212\u30fc~_\xb7\u2022\u30fb]")
_BRACKETS = str.maketrans(dict.fromkeys("[{<【〔〈《「『", "(") | dict.fromkeys("]}>】〕〉》」』", ")"))
_CALLED = "转|轉|接|按|拨|撥|分机号?|分機號?|内线|內線|extension|extn|ext"
_DIALLED = r"\d{1,7}(?:-\d{1,7})*"
_SPLITS = tuple(
    re.compile(split, re.ASCII | re.DOTALL)
    for split in (
        rf"^(?P<number>.*?\d.*?)(?P<extension>(?:[\s,;(-]*(?:(?:{_CALLED}|x|\#|\*)[\s:.,=-]*)+{_DIALLED})+)\D*$",
        rf"^\D*(?:{_CALLED})[\s:.]*(?P<extension>{_DIALLED})[\s,;)]+(?P<number>.*\d.*)$",
        rf"^(?P<number>.*\d)\s*\(\s*(?P<extension>{_DIALLED})\s*\)\D*$",
        # What telephones dial after a pause.
        rf"^(?P<number>.*\d)(?:[,;]+|\s*[pw]\s*)(?P<extension>{_DIALLED})$",
    )
)
_RUN = re.compile(r"\+?[\d(][\d\s().+/-]*\d", re.ASCII)
_TAIL = re.compile(r"^(.*\d)\s*-\s*(\d{1,6})$", re.ASCII | re.DOTALL)
_MOST_TAILS = 2
_AMERICAN = re.compile(r"1[\s.(-]+[2-9]\d\d[\s.)-]+[2-9]\d\d[\s.-]+\d{4}", re.ASCII)
"""Grouped as nobody writes the mobile number of this country with the same digits."""
_MARK = ";ext="
_PERSONAL = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PERSONAL_NUMBER})
_LOCAL = range(5, 9)
REASONS = ("phone_without_digits", "phone_without_area", "impossible_phone")
"""Why a text is no phone number: codes that have words."""


class NoPhone(ValueError):
    """A text is no phone number; `reason` is one of `REASONS`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def stored_phone(text: str) -> str:
    """The stored spelling of what somebody typed.

    Raises:
        NoPhone: it cannot be one.
    """
    if mobile := _MOBILE.fullmatch(text):
        return f"+86{mobile[1]}"
    typed = _as_digits(text)
    region = next((region for region, words in _REGIONS if words.search(typed)), _HOME)
    for number, extension in _splits(typed):
        for run in _runs(number):
            if found := _read(run, region, extension):
                return found
    raise NoPhone(_reason(typed))


def is_phone(stored: str) -> bool:
    """Whether a stored text is a number that can be called."""
    return stored.startswith("+")


def split(stored: str) -> tuple[str, str]:
    """Number and extension of a stored phone; the extension is empty where there is none."""
    number, _, extension = stored.partition(_MARK)
    return number, extension


def is_shared(stored: str) -> bool:
    """Whether several people are reached by the number: an exchange, a fixed line, a service number."""
    number, extension = split(stored)
    if extension:
        return True
    if _MOBILE.fullmatch(number):
        return False
    return phonenumbers.number_type(phonenumbers.parse(number)) not in _PERSONAL


def _as_digits(text: str) -> str:
    """A text with one kind of digits, dashes and brackets, without what is not seen."""
    typed = _DASHES.sub("-", unicodedata.normalize("NFKC", visible(text))).translate(_BRACKETS).casefold()
    return re.sub(r"\d", lambda digit: str(unicodedata.decimal(digit[0])), typed)


def _splits(typed: str) -> Iterator[tuple[str, str]]:
    """Pairs that may be the number and the extension, which is called so or set apart; at last all without one."""
    for split in _SPLITS:
        if found := split.match(typed):
            yield found["number"], "-".join(re.findall(r"\d+", found["extension"]))
    yield typed, ""


def _runs(typed: str) -> Iterator[str]:
    """Texts that may be a number: digits with what stands between them, and of several numbers each."""
    for run in _RUN.findall(typed):
        yield run
        yield from run.split("/")
        yield from _MOBILE_IN.findall(run)


def _read(run: str, region: str, extension: str) -> str | None:
    """The stored spelling of a run of digits; what follows a last dash may be an extension that is not called so."""
    if number := _number(run, region):
        return _spelled(number, extension)
    for _ in range(0 if extension else _MOST_TAILS):
        tail = _TAIL.match(run)
        if tail is None:
            return None
        run, extension = tail[1], f"{tail[2]}-{extension}".rstrip("-")
        if number := _number(run, region):
            return _spelled(number, extension)
    return None


def _number(run: str, region: str) -> PhoneNumber | None:
    return next((number for number in _readings(run, region) if _is_one(number, run)), None)


def _readings(run: str, region: str) -> Iterator[PhoneNumber]:
    digits = re.sub(r"\D", "", run)
    is_abroad = digits.startswith(_NEAR) or _AMERICAN.fullmatch(run)
    spellings = [f"+{digits}", run] if is_abroad else [run]
    for spelling in spellings:
        try:
            yield phonenumbers.parse(spelling, region)
        except phonenumbers.NumberParseException:
            continue


def _is_one(number: PhoneNumber, run: str) -> bool:
    """Abroad whatever is possible; at home what is in use, and fixed lines with their area code in front."""
    if number.country_code != _HOME_CODE:
        return phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    if not phonenumbers.is_valid_number(number):
        return _HOME_MOBILE.fullmatch(str(number.national_number)) is not None
    is_fixed = phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE
    return not is_fixed or run.lstrip("(").startswith(("0", "+", "86"))


def _spelled(number: PhoneNumber, extension: str) -> str:
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{written}{_MARK}{extension}" if extension else written


def _reason(typed: str) -> str:
    digits = re.sub(r"\D", "", typed)
    if not digits:
        return "phone_without_digits"
    is_local = len(digits) in _LOCAL and not re.search(r"\d[a-z*]", typed)
    return "phone_without_area" if is_local else "impossible_phone"
