"""Contacts in free text are left out for those for whom it was not written; everything else stays."""

import pytest

from services.runtime.security.contact_mask import without_contacts


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("已联系 13800138000。", "已联系 ***。"),
        ("打 +86 138 0013 8000 或 010-12345678-801", "打 *** 或 ***"),
        ("电话１３８００１３８０００", "电话***"),
        ("(021) 6234 5678", "(***"),
        ("写信到 han.mei@example.com，谢谢", "写信到 ***，谢谢"),
        ("用户＠例子.公司", "***"),
        ("2026-12-05 上午 9:00 上门", "2026-12-05 上午 9:00 上门"),
        ("2026年12月5日换了 3 个零件，共 1200 元", "2026年12月5日换了 3 个零件，共 1200 元"),
        ("型号 BCD-500，压缩机已更换", "型号 BCD-500，压缩机已更换"),
        ("", ""),
    ],
)
def test_what_could_be_a_contact_is_left_out(written: str, told: str) -> None:
    assert without_contacts(written) == told


def test_a_long_text_is_read_in_one_go() -> None:
    assert without_contacts("1 " * 10_000).strip() == "***"
    assert without_contacts("@" * 20_000 + " x").endswith("x")
    assert without_contacts("张" * 400_000 + " 13800138000").endswith("张 ***")
