"""Fields that a customer can be asked for: one table for the API, the forms of staff, mails and the customer's page."""

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
