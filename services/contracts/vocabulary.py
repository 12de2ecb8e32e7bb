"""The glossary as enumerations: the only spellings of product.md section 1 and 3."""

from enum import StrEnum


class Channel(StrEnum):
    """The channel through which a feedback came (product.md 4)."""

    WEB = "web"
    APP = "app"
    MINI_PROGRAM = "mini_program"
    QR = "qr"
    PHONE = "phone"
    CHAT = "chat"
    EMAIL = "email"
    WECHAT = "wechat"
    SOCIAL = "social"
    IMPORT = "import"
    API = "api"


class Kind(StrEnum):
    """反馈性质."""

    COMPLAINT = "complaint"
    FAULT = "fault"
    CONSULTATION = "consultation"
    SUGGESTION = "suggestion"
    PRAISE = "praise"


class Category(StrEnum):
    """问题类型."""

    PRODUCT_FAULT = "product_fault"
    SERVICE_ATTITUDE = "service_attitude"
    LOGISTICS_DELAY = "logistics_delay"
    USAGE_QUESTION = "usage_question"
    PROCESS = "process"
    OTHER = "other"


class Urgency(StrEnum):
    """紧急程度."""

    URGENT = "urgent"
    NORMAL = "normal"
    LOW = "low"


class Priority(StrEnum):
    """优先级, computed."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Tier(StrEnum):
    """客户等级."""

    STANDARD = "standard"
    VIP = "vip"


class ServiceStage(StrEnum):
    """服务阶段."""

    PRE_SALES = "pre_sales"
    IN_SALES = "in_sales"
    AFTER_SALES = "after_sales"
    CARE = "care"


class DesiredSolution(StrEnum):
    """The solution that the customer asks for."""

    REPAIR = "repair"
    EXCHANGE = "exchange"
    REFUND = "refund"
    COMPENSATION = "compensation"
    APOLOGY = "apology"
    CONSULTATION = "consultation"
    OTHER = "other"


class Status(StrEnum):
    """Status as the practice documents print it."""

    PENDING = "pending"
    PROCESSING = "processing"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Phase(StrEnum):
    """Status, told finer."""

    REVIEW = "pending.review"
    AWAITING_INFORMATION = "pending.awaiting_information"
    ASSIGNED = "processing.assigned"
    PLANNED = "processing.planned"
    WAITING = "processing.waiting"
    AWAITING_CALLBACK = "resolved.awaiting_callback"
    AWAITING_SECOND_CALLBACK = "resolved.awaiting_second_callback"
    CLOSED = "closed"

    @property
    def status(self) -> Status:
        """The status that the phase belongs to."""
        return Status(self.value.partition(".")[0])


class WaitReason(StrEnum):
    """The reason that a ticket waits."""

    CUSTOMER = "customer"
    PARTS = "parts"
    THIRD_PARTY = "third_party"
    APPOINTMENT = "appointment"


class Cause(StrEnum):
    """The cause a diagnosis found."""

    HARDWARE = "hardware"
    SOFTWARE = "software"
    MISUSE = "misuse"
    PROCESS = "process"
    SUPPLIER = "supplier"
    OTHER = "other"


class Result(StrEnum):
    """处理结果."""

    RESOLVED = "resolved"
    PARTLY_RESOLVED = "partly_resolved"
    UNRESOLVED = "unresolved"


class CallbackOutcome(StrEnum):
    """The outcome of a callback attempt."""

    SATISFIED = "satisfied"
    DISSATISFIED = "dissatisfied"
    RESIDUAL_ISSUE = "residual_issue"
    NOT_REACHED = "not_reached"
    WRONG_NUMBER = "wrong_number"
    REFUSED = "refused"


class ToldBy(StrEnum):
    """The way in which a customer was told who gets no message of ours, or was told besides."""

    PHONE = "phone"
    VISIT = "visit"
    OTHER = "other"


class CallbackChannel(StrEnum):
    """The channel of a callback (product.md 7)."""

    PHONE = "phone"
    MESSAGE = "message"
    QUESTIONNAIRE = "questionnaire"
    EMAIL = "email"
    SMS = "sms"
    WECHAT = "wechat"
    CHAT = "chat"
    VISIT = "visit"


class CallbackClass(StrEnum):
    """A customer's words in a callback, classified."""

    PRAISE = "praise"
    SUGGESTION = "suggestion"
    COMPLAINT = "complaint"
    CONSULTATION = "consultation"


class ComplaintLevel(StrEnum):
    """Level of a complaint raised in a callback; urgent when business stands still."""

    GENERAL = "general"
    URGENT = "urgent"


class CloseReason(StrEnum):
    """The reason that a ticket was closed; every one but `confirmed` carries a filed text."""

    CONFIRMED = "confirmed"
    UNRESOLVED = "unresolved"
    INFORMATION_NOT_SUPPLIED = "information_not_supplied"
    NOT_REACHED = "not_reached"
    CALLBACK_REFUSED = "callback_refused"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


class ClockName(StrEnum):
    """The promises of product.md section 5."""

    ACCEPTANCE = "acceptance"
    INFORMATION_REQUEST = "information_request"
    RESPONSE = "response"
    PLAN = "plan"
    PROGRESS = "progress"
    RESOLUTION = "resolution"
    CALLBACK = "callback"
    SECOND_CALLBACK = "second_callback"
    CUSTOMER_WAIT = "customer_wait"


class ClockState(StrEnum):
    """`breached` is past its due time and still unmet."""

    RUNNING = "running"
    PAUSED = "paused"
    BREACHED = "breached"
    MET = "met"
    MET_LATE = "met_late"
    CANCELLED = "cancelled"

    @property
    def live(self) -> bool:
        """Whether the clock has not been met or cancelled."""
        return self in {ClockState.RUNNING, ClockState.PAUSED, ClockState.BREACHED}


class CommandName(StrEnum):
    """The commands of api.md; `confirm` is the customer's own click, `join` what a merge does to the kept ticket."""

    ACCEPT = "accept"
    REQUEST_INFORMATION = "request-information"
    SUPPLY_INFORMATION = "supply-information"
    CUSTOMER_MESSAGE = "customer-message"
    ASSIGN = "assign"
    RESPOND = "respond"
    PLAN = "plan"
    APPROVE_PLAN = "approve-plan"
    REJECT_PLAN = "reject-plan"
    PROGRESS = "progress"
    WAIT = "wait"
    RESUME = "resume"
    RESOLVE = "resolve"
    RECORD_CALLBACK = "record-callback"
    CONFIRM = "confirm"
    REOPEN = "reopen"
    CLOSE_UNRESOLVED = "close-unresolved"
    WITHDRAW = "withdraw"
    MERGE = "merge"
    JOIN = "join"
    RECLASSIFY = "reclassify"
    EXPLAIN_BREACH = "explain-breach"
    CHASE = "chase"
    TAG = "tag"
    PROMISE = "promise"


class ActorKind(StrEnum):
    """The kind of doer of a step."""

    CUSTOMER = "customer"
    STAFF = "staff"
    API_KEY = "api_key"
    SYSTEM = "system"
