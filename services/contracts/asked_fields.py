"""Fields that a customer can be asked for: one table for the API, the forms of staff, mails and the customer's page."""

from collections.abc import Mapping
from enum import StrEnum


class AskedField(StrEnum):
    """A field of a feedback, or a choice of two, that `request-information` asks for."""

    CUSTOMER = "customer"
    CONTACT = "customer.contact"
    NAME = "customer.name"
    PHONE = "customer.phone"
    EMAIL = "customer.email"
    WECHAT_OPEN_ID = "customer.wechat_open_id"
    CUSTOMER_NO = "customer.customer_no"
    PRODUCT = "product"
    ORDER_NO_OR_SERIAL_NO = "product.order_no_or_serial_no"
    SERIAL_NO = "product.serial_no"
    ORDER_NO = "product.order_no"
    MODEL = "product.model"
    PURCHASED_ON = "product.purchased_on"
    OCCURRED_AT = "occurred_at"
    DESCRIPTION = "description"
    SITUATION = "situation"
    ALREADY_TRIED = "already_tried"
    COMPLAINT_ABOUT = "complaint_about"
    DESIRED_SOLUTION = "desired_solution"
    EXPECTED_BY = "expected_by"
    IMPACT = "impact"
    SAFETY_RISK = "impact.safety_risk"
    AFFECTED_COUNT = "impact.affected_count"


_REACHED = ("联系方式（手机号或邮箱）", "how to reach you: a phone number or an e-mail address")
_WHICH = ("产品序列号或订单号", "the serial number of the product, or the order number")

TOLD: Mapping[str, tuple[str, str]] = {
    AskedField.CUSTOMER: _REACHED,
    AskedField.CONTACT: _REACHED,
    AskedField.NAME: ("您的姓名", "your name"),
    AskedField.PHONE: ("联系电话", "a phone number"),
    AskedField.EMAIL: ("电子邮箱", "an e-mail address"),
    AskedField.WECHAT_OPEN_ID: ("微信 OpenID", "your WeChat open id"),
    AskedField.CUSTOMER_NO: ("客户编号", "your customer number"),
    AskedField.PRODUCT: _WHICH,
    AskedField.ORDER_NO_OR_SERIAL_NO: _WHICH,
    AskedField.SERIAL_NO: ("产品序列号", "the serial number of the product"),
    AskedField.ORDER_NO: ("订单号", "the order number"),
    AskedField.MODEL: ("产品型号", "the product model"),
    AskedField.PURCHASED_ON: ("购买日期", "the date of purchase"),
    AskedField.OCCURRED_AT: ("问题发生的时间", "when it happened"),
    AskedField.DESCRIPTION: ("问题描述", "what the problem is"),
    AskedField.SITUATION: ("问题发生的情形", "in which situation it happened"),
    AskedField.ALREADY_TRIED: ("您已尝试过的办法", "what you have tried already"),
    AskedField.COMPLAINT_ABOUT: ("投诉对象", "whom or what the complaint is about"),
    AskedField.DESIRED_SOLUTION: ("您希望的解决方式", "the solution that you wish for"),
    AskedField.EXPECTED_BY: ("您希望解决的日期", "by when you need it"),
    AskedField.IMPACT: ("影响范围", "how many are affected, and whether safety is at risk"),
    AskedField.SAFETY_RISK: ("是否有安全危险", "whether somebody may be in danger"),
    AskedField.AFFECTED_COUNT: ("影响的设备或人数", "how many devices or people are affected"),
}
"""How the customer is asked for it, in Chinese and English."""
_OTHER = ("其他信息", "other details")


def told(code: str, *, chinese: bool) -> str:
    """The customer's words for what they are asked for; what was asked for before there was this table has no name."""
    words = TOLD.get(code, _OTHER)
    return words[0] if chinese else words[1]
