"""The words in which a clock's due time is explained, in English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.contracts.durations import Measure
from services.contracts.vocabulary import ClockName, WaitReason
from services.promises.drafts import DayKind


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences and words of one language; what stands in braces is put in.

    `language` is its key in calendars and names: `en` or `zh-CN`.
    """

    language: str

    clocks: Mapping[ClockName, str]
    reasons: Mapping[WaitReason, str]
    targets: Mapping[Measure, str]
    lengths: Mapping[Measure, str]
    one_day: str
    units: tuple[str, str, str]
    promise: str
    started: str
    started_outside: str
    paused: str
    paused_now: str
    moved: str
    promised: str
    due: str
    provisional: str
    exhausted: str
    rest: str
    special: str
    days: Mapping[DayKind, str]
    break_: str
    span: str
    named: str
    comma: str
    by_promise: str
    retargeted: str
    met: str
    met_late: str
    missed: str
    cancelled: str
    causes: Mapping[str, str]
    excused: str


ENGLISH = Wording(
    language="en",
    clocks={
        ClockName.ACCEPTANCE: "Acceptance",
        ClockName.INFORMATION_REQUEST: "Request for missing information",
        ClockName.RESPONSE: "Response",
        ClockName.PLAN: "Plan",
        ClockName.PROGRESS: "Progress",
        ClockName.RESOLUTION: "Resolution",
        ClockName.CALLBACK: "Callback",
        ClockName.SECOND_CALLBACK: "Second callback",
        ClockName.CUSTOMER_WAIT: "Answer to the customer",
    },
    reasons={
        WaitReason.CUSTOMER: "waiting for the customer",
        WaitReason.PARTS: "waiting for parts",
        WaitReason.THIRD_PARTY: "waiting for a third party",
        WaitReason.APPOINTMENT: "an appointment",
    },
    targets={
        Measure.WALL: "{start} + {target} = {base}.",
        Measure.WORKING_TIME: "Open time counted: {pieces}; reached {base}.",
        Measure.WORKING_DAYS: "Working days counted from that of the start: {pieces}; the last one closes {base}.",
    },
    lengths={
        Measure.WALL: "{length}",
        Measure.WORKING_TIME: "{length} of working time",
        Measure.WORKING_DAYS: "{days} working days",
    },
    one_day="1 working day",
    units=("h", "min", "s"),
    promise="{clock}: {target} ({code}) by policy {policy} version {policy_version}, on calendar {calendar} version "
    "{calendar_version} ({zone}).",
    started="Started {start}.",
    started_outside="Started {start}, outside working hours.",
    paused="Paused {begins} to {ends} ({reasons}): {length}.",
    paused_now="Paused since {begins} ({reasons}): no due time until it runs again.",
    moved="{base} + {paused} = {due}.",
    promised="In its place {date} was promised.",
    due="Due {due}.",
    provisional="Holidays are announced until {date}: provisional.",
    exhausted="The calendar has no opening time left to count that much.",
    rest="then {length} more",
    special="On the way: {days}.",
    days={
        DayKind.HOLIDAY: "holiday {dates}{name}",
        DayKind.MAKE_UP: "workday {dates}{name}",
        DayKind.SHIFT: "hours of its own {dates}{name}",
    },
    break_="break {dates} {times}",
    span="{first} to {last}",
    named=" ({name})",
    comma=", ",
    by_promise="{clock}: by appointment, policy {policy} version {policy_version} sets no time of its own (times of "
    "calendar {calendar}, {zone}).",
    retargeted="Since {at} by this target, counted from the old start.",
    met="Met {at}, in time.",
    met_late="Missed; met {at}.",
    missed="Missed and not met yet.",
    cancelled="Cancelled {at}: {cause}.",
    causes={
        "no_promise": "nothing is promised any more",
        "resolved": "the ticket was resolved",
        "reopened": "the ticket was reopened",
        "confirmed": "the customer confirmed",
        "unresolved": "closed as unresolved",
        "information_not_supplied": "closed, information was not supplied",
        "not_reached": "closed, the customer was not reached",
        "callback_refused": "closed, the callback was refused",
        "withdrawn": "the customer withdrew",
        "merged": "merged into another ticket",
    },
    excused="Excused {at}: by what was published then it would not have been missed.",
)
CHINESE = Wording(
    language="zh-CN",
    clocks={
        ClockName.ACCEPTANCE: "受理",
        ClockName.INFORMATION_REQUEST: "补充信息请求",
        ClockName.RESPONSE: "响应",
        ClockName.PLAN: "处理方案",
        ClockName.PROGRESS: "进度",
        ClockName.RESOLUTION: "处理结果",
        ClockName.CALLBACK: "回访",
        ClockName.SECOND_CALLBACK: "二次回访",
        ClockName.CUSTOMER_WAIT: "答复客户",
    },
    reasons={
        WaitReason.CUSTOMER: "等待客户",
        WaitReason.PARTS: "等待配件",
        WaitReason.THIRD_PARTY: "等待第三方",
        WaitReason.APPOINTMENT: "客户预约",
    },
    targets={
        Measure.WALL: "{start} + {target} = {base}。",
        Measure.WORKING_TIME: "计入的工作时间：{pieces}；到 {base} 计满。",
        Measure.WORKING_DAYS: "从起始工作日起计：{pieces}；最后一个工作日于 {base} 结束。",
    },
    lengths={
        Measure.WALL: "{length}",
        Measure.WORKING_TIME: "{length}（工作时间）",
        Measure.WORKING_DAYS: "{days} 个工作日",
    },
    one_day="1 个工作日",
    units=("小时", "分", "秒"),
    promise="{clock}：{target}（{code}），依据策略 {policy} 第 {policy_version} 版，日历 {calendar} 第 "
    "{calendar_version} 版（{zone}）。",
    started="{start} 开始计时。",
    started_outside="{start} 开始，时值非工作时间。",
    paused="{begins} 至 {ends} 暂停（{reasons}）：{length}。",
    paused_now="{begins} 起暂停（{reasons}）：恢复计时前没有到期时间。",
    moved="{base} + {paused} = {due}。",
    promised="改为承诺的日期 {date}。",
    due="到期时间 {due}。",
    provisional="节假日安排公布至 {date}，该时间为暂定。",
    exhausted="日历中剩余的工作时间不足。",
    rest="其后再计 {length}",
    special="其间：{days}。",
    days={
        DayKind.HOLIDAY: "{dates} 放假{name}",
        DayKind.MAKE_UP: "{dates} 上班{name}",
        DayKind.SHIFT: "{dates} 另有工作时间{name}",
    },
    break_="{dates} {times} 停业",
    span="{first} 至 {last}",
    named="（{name}）",
    comma="、",
    by_promise="{clock}：按约定时间，策略 {policy} 第 {policy_version} 版未规定时限（时间按日历 {calendar}，{zone}）。",
    retargeted="自 {at} 起按此时限，仍从原起点计算。",
    met="{at} 完成，未超时。",
    met_late="已超时；{at} 完成。",
    missed="已超时，尚未完成。",
    cancelled="{at} 取消：{cause}。",
    causes={
        "no_promise": "不再承诺该时限",
        "resolved": "工单已解决",
        "reopened": "工单已重新启动",
        "confirmed": "客户已确认",
        "unresolved": "以未解决关闭",
        "information_not_supplied": "未补充信息而关闭",
        "not_reached": "未能联系客户而关闭",
        "callback_refused": "客户拒绝回访而关闭",
        "withdrawn": "客户撤回",
        "merged": "已并入其他工单",
    },
    excused="{at} 豁免：按当时发布的内容不会超时。",
)
