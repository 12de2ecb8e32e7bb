"""A short text is one visible line, whoever wrote it; a text of any length holds nothing unseen that changes it."""

import unicodedata

import pytest
from pydantic import TypeAdapter, ValidationError

from services.contracts.base import Email, Line, Name, Word
from services.contracts.feedback import Customer, Product, stored_customer
from services.contracts.lines import harmless, has_address, one_line, visible

NAME: TypeAdapter[str] = TypeAdapter(Name)
SEPARATORS = ("\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\u2029",
              "\u3000", "\xa0", " \n\n ")  # fmt: skip
DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNSEEN = DIRECTIONS + (
    "\x00\x01\x07\x08\x1b\x7f\x80\x9f\xad\u034f\u115f\u1160\u17b4\u180e\u200b\u2060"
    "\u2063\u206f\u2800\u3164\ufeff\uffa0\ufff9\U000e0041\U000e0fff\ufffe"
)
LANGUAGES = (
    "张三", "欧阳·娜娜", "𠮷田", "葛\U000e0100飾", "\U00031350\U000323af", "김철수", "Nguyễn Thị Ánh", "O’Brien-Łukasz",
    "علی\u200cرضا", "മോഹന\u0d4d\u200d", "क्\u200dष", "ස\u0dca\u200dරී", "\u1820\u180e\u1820", "\ue863李", "山田 太郎",
    "\U0001f469\u200d❤\ufe0f\u200d\U0001f468", "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001fae8", "👩🏽‍🔧",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "Nº 5 ½", "3M",
)  # fmt: skip


@pytest.mark.parametrize("separator", SEPARATORS, ids=ascii)
def test_every_separator_of_lines_and_words_is_one_space(separator: str) -> None:
    assert one_line(f"{separator}张三{separator}李四{separator}") == "张三 李四"


@pytest.mark.parametrize("letter", UNSEEN, ids=ascii)
def test_what_nobody_sees_is_taken_out_and_is_no_text_by_itself(letter: str) -> None:
    assert one_line(f"张{letter}三") == "张三"
    assert one_line(letter * 3) == ""


@pytest.mark.parametrize("name", LANGUAGES, ids=ascii)
def test_names_of_every_language_and_emoji_stay_as_they_are(name: str) -> None:
    assert one_line(name) == NAME.validate_python(name) == name
    assert harmless(name) == name


def test_a_joiner_stays_where_letters_join_and_nowhere_else() -> None:
    assert one_line("张\u200d三 a\u200cb \u200d") == "张三 ab"


def test_marks_alone_are_no_text() -> None:
    assert one_line("\u0301 \u0302\ufe0f") == ""


def test_a_long_text_keeps_its_lines_and_spaces() -> None:
    assert visible("一  行\r\n\t二\u202e行\x07\n") == "一  行\r\n\t二行\n"


def test_no_letter_is_lost_and_nothing_unseen_is_kept() -> None:
    letters = [chr(number) for number in (*range(0xD800), *range(0xE000, 0x10000), *range(0xE0000, 0xE1000))]
    kept = {letter for letter in letters if visible(f"字{letter}") != "字"}
    lost = {letter for letter in letters if unicodedata.category(letter)[0] in "LNPS"} - kept
    assert lost == set("\u115f\u1160\u2800\u3164\uffa0\ufffc")
    assert not {letter for letter in kept if unicodedata.category(letter) == "Cc" and not letter.isspace()}
    assert not kept & {*DIRECTIONS, *UNSEEN}


@pytest.mark.parametrize("mark", ["\u0301", "\u0e49", "\u20dd", "\u0489"], ids=ascii)
def test_no_tower_of_marks_covers_what_stands_around(mark: str) -> None:
    assert one_line(f"张{mark * 60}三") == f"张{mark * 5}三"
    assert visible(f"张{(mark + chr(0x200B)) * 60}") == f"张{mark * 5}"
    assert visible(f"张{mark * 5}") == f"张{mark * 5}"
    assert visible("。" * 9 + "…" * 9) == "。" * 9 + "…" * 9


def test_a_text_hides_no_other_in_variations_of_a_letter() -> None:
    assert one_line("葛\U000e0100\U000e0101\ufe0f") == "葛\U000e0100"


@pytest.mark.parametrize(
    "name",
    [
        "张三\n\n点击\nhttps://evil.example/x\n\n客户",
        "HTTP://e.cn",
        "见 www.evil.cn",
        "ftp://x",
        "ｈｔｔｐ：／／x",
        "www。x",
    ],
)
def test_a_name_with_a_web_address_is_refused_by_what_is_wrong(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NAME.validate_python(name)
    (error,) = refused.value.errors()
    assert error["ctx"]["error"].code == "address_in_name"


@pytest.mark.parametrize("name", ["\u200b", "\u3164\u2800", "\u202e\u2066", " \ufeff "])
def test_a_name_of_which_nothing_is_seen_is_asked_for(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NAME.validate_python(name)
    assert refused.value.errors()[0]["ctx"]["error"].code == "required"


def test_the_length_of_a_name_is_that_of_its_line() -> None:
    assert NAME.validate_python("\u202e" * 100 + "张" * 200 + "\n") == "张" * 200
    with pytest.raises(ValidationError):
        NAME.validate_python("张" * 201)


def test_a_label_of_which_nothing_is_seen_was_not_given() -> None:
    product = Product.model_validate({"model": "\u200b", "serial_no": "A\n1", "order_no": None})
    assert (product.model, product.serial_no, product.order_no) == (None, "A 1", None)
    with pytest.raises(ValidationError):
        Product.model_validate({"model": ""})


@pytest.mark.parametrize(("stored", "read"), [
    ("张三\n李四", "张三 李四"), ("点\nhttps://evil.example", None), ("\u200b", None), (None, None),
])  # fmt: skip
def test_a_customer_who_was_stored_before_names_were_names_can_be_read(stored: str | None, read: str | None) -> None:
    assert stored_customer({"name": stored, "phone": "+8613800138000"}) == Customer(name=read, phone="+8613800138000")


def test_a_stored_line_is_shown_folded_whatever_it_holds() -> None:
    assert TypeAdapter(Line).validate_python("a\n\nhttps://x.example") == "a https://x.example"
    assert TypeAdapter(Line).validate_python("\u200b") == ""


MODELS = ("BCD-500", "BCD-500.WLDPZM/U1", "V1.5", "KFR-35GW/(35592)NhDa-B1", "Dr.Li", "J.R.R. Tolkien", "12.5kg",
          "Prof. Wang", "a:b", "王.芳", "ver.two", "j.smith", "a@b", "=?utf-8?q?thief@evil.example=0D?=",
          "\U0001fae8 3.0")  # fmt: skip
ADDRESSES = ("https://x", "点 http://evil.example/x", "WWW.evil.example", "evil.example/x", "evil.com", "EVIL.CN/a",
             "a@evil.com", "mailto:x", "ｈｔｔｐｓ://evil", "evil．com", "商城.中国", "x.公司", "evil。com",
             "ｗｗｗ｡evil.page", "evil.zip", "t.ly")  # fmt: skip


@pytest.mark.parametrize("text", MODELS)
def test_a_short_text_without_an_address_may_be_sent(text: str) -> None:
    assert harmless(text) == text
    assert not has_address(text)


@pytest.mark.parametrize("text", [*ADDRESSES, "\u200b", "", None])
def test_mail_programs_get_nothing_to_make_a_link_of(text: str | None) -> None:
    assert harmless(text) is None


@pytest.mark.parametrize("address", ["\U00031350@例子.cn", "韩🫨梅🪭@shop.example", "a@\U00031350.cn", "𠮷@\u9fff.cn"])
def test_an_address_may_hold_letters_younger_than_this_python(address: str) -> None:
    assert TypeAdapter(Email).validate_python(address) == address


def test_an_address_is_read_at_full_width_and_without_what_stands_around() -> None:
    for typed in (" a.b@c.example\n", "ａ．ｂ＠ｃ．ｅｘａｍｐｌｅ", "a.b＠c.example\u3000"):
        assert TypeAdapter(Email).validate_python(typed) == "a.b@c.example"


NO_ADDRESSES = ("a\ufdd0@b.example", "\ufffe@b.example", "a\u202e@b.example", "\U00031350", "@\U00031350.cn",
                "\U00031350 <a@b.example>", "\U00031350 x@b.example")  # fmt: skip


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_is_none_in_any_script(address: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Email).validate_python(address)


@pytest.mark.parametrize(
    "tag", ["བོད་ཡིག", "コール・センター", "می\u200cخواهم", "O’Brien", "צה״ל", "l·l", "क\u094d\u200dष", "ไทย"]
)
def test_a_word_is_spelt_as_its_script_spells_it(tag: str) -> None:
    assert TypeAdapter(Word).validate_python(tag) == tag


@pytest.mark.parametrize("tag", ["a/b", "<b>", "a,b", "·x", "'", "x\u3002", "{{x}}"])
def test_a_word_holds_no_signs_of_other_kinds(tag: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Word).validate_python(tag)


def test_a_word_that_operations_choose_is_seen_too() -> None:
    word: TypeAdapter[str] = TypeAdapter(Word)
    assert word.validate_python("制冷\u200d\n系统") == "制冷 系统"
    for unseen in ("\u3164", "\u115f\u1160", "\u200d"):
        with pytest.raises(ValidationError):
            word.validate_python(unseen)
