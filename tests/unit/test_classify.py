"""Proposals for a feedback that does not say everything: by its words, and without contradiction (F16)."""

import pytest

from services.contracts.feedback import Feedback
from services.contracts.vocabulary import Category, Kind, Tier, Urgency
from services.intake.feedback.classify import FITTING, propose
from services.intake.feedback.keywords import CATEGORIES, KINDS, matches


def proposed(description: str, **stated: object) -> tuple[str, str, str]:
    """Kind, category and the rule that decided."""
    found = propose(Feedback.model_validate({"channel": "web", "description": description, **stated}), Tier.STANDARD)
    return found.kind, found.category, found.rule


@pytest.mark.parametrize(
    ("description", "kind", "category"),
    [
        ("冰箱冷藏室不制冷", "fault", "product_fault"),
        ("冰箱冷藏室不製冷", "fault", "product_fault"),
        ("请问冰箱不制冷怎么办？", "fault", "product_fault"),
        ("The fridge doesn’t cool any more", "fault", "product_fault"),
        ("My washing machine is LEAKING", "fault", "product_fault"),
        ("ＴＶ　is　ｂｒｏｋｅｎ", "fault", "product_fault"),
        ("我要投诉，冰箱修了三次还是不制冷", "complaint", "product_fault"),
        ("客服态度很差", "complaint", "service_attitude"),
        ("The technician was rude", "complaint", "service_attitude"),
        ("快递三天没到，我要投诉", "complaint", "logistics_delay"),
        ("When will my parcel arrive?", "consultation", "logistics_delay"),
        ("退款什么时候到账", "consultation", "process"),
        ("怎么设置定时？", "consultation", "usage_question"),
        ("How do I set up the wifi?", "consultation", "usage_question"),
        ("建议增加一个夜灯", "suggestion", "other"),
        ("感谢李师傅，服务态度很好", "praise", "service_attitude"),
        ("没有故障，只想登记保修", "consultation", "other"),
        ("bleak weather", "consultation", "other"),
        ("你好", "consultation", "other"),
    ],
)
def test_words_tell_kind_and_category(description: str, kind: str, category: str) -> None:
    assert proposed(description)[:2] == (kind, category)


@pytest.mark.parametrize(
    ("stated", "kind", "category"),
    [
        ({"kind": "fault"}, "fault", "product_fault"),
        ({"kind": "consultation"}, "consultation", "logistics_delay"),
        ({"category": "product_fault"}, "fault", "product_fault"),
        ({"category": "usage_question"}, "consultation", "usage_question"),
        ({"kind": "praise", "category": "product_fault"}, "praise", "product_fault"),
    ],
)
def test_what_was_stated_is_kept_and_the_rest_fits_it(stated: dict[str, str], kind: str, category: str) -> None:
    assert proposed("快递到了", **stated)[:2] == (kind, category)


@pytest.mark.parametrize("kind", [None, *Kind])
@pytest.mark.parametrize("words", ["x", "投诉 不制冷 快递 态度 怎么", "表扬 坏了 退款", "建议 broken", "请问 故障"])
def test_no_proposal_contradicts_itself(words: str, kind: Kind | None) -> None:
    found = proposed(words, kind=kind)
    assert Category(found[1]) in FITTING[Kind(found[0])]


def test_the_rule_that_fired_is_told() -> None:
    assert proposed("冰箱不制冷")[2] == "keyword:不制冷"
    assert proposed("你好")[2] == "default"
    assert proposed("坏了", kind="fault", category="product_fault", urgency="low")[2] == "stated"


@pytest.mark.parametrize(
    ("description", "stated", "urgency"),
    [
        ("插座冒烟", None, Urgency.URGENT),
        ("It smells like gas", None, Urgency.URGENT),
        ("没有冒烟", None, Urgency.NORMAL),
        ("No smoke, just a question", None, Urgency.NORMAL),
        ("fireplace", None, Urgency.NORMAL),
        ("插座冒烟", "low", Urgency.LOW),
    ],
)
def test_words_of_danger_make_urgent_what_says_nothing_of_urgency(
    description: str, stated: str | None, urgency: Urgency
) -> None:
    feedback = Feedback.model_validate({"channel": "web", "description": description, "urgency": stated})
    assert propose(feedback, Tier.STANDARD).urgency is urgency


@pytest.mark.parametrize("letter", ["1", "a", "张", "a1", "not a", "no "])
def test_the_longest_text_is_read_once_for_each_group_of_words(letter: str) -> None:
    """A word that is looked for from every letter to the end of the text takes minutes here."""
    text = letter * 200_000
    assert list(matches(KINDS, text)) == list(matches(CATEGORIES, text)) == []
