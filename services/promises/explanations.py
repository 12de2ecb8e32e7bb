"""A clock's due time in words, so that anybody can check it with the calendar and a pocket calculator."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from services.contracts.durations import Duration, Measure
from services.contracts.ticket import Clock, Segment
from services.contracts.words import ClockName, ClockState, WaitReason
from services.promises.calendars import Calendar, CalendarExhausted
from services.promises.clocks import due_at, duration_of

_MOST_PIECES = 6


@dataclass(frozen=True, slots=True)
class _Wording:
    """The sentences and words of one language."""

    clocks: Mapping[ClockName, str]
    reasons: Mapping[WaitReason, str]
    targets: Mapping[Measure, str]
    lengths: Mapping[Measure, str]
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
    comma: str
    by_promise: str
    retargeted: str
    met: str
    met_late: str
    missed: str
    cancelled: str
    causes: Mapping[str, str]
    excused: str


_ENGLISH = _Wording(
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
        Measure.WORKING_DAYS: "{days} working day(s)",
    },
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
_CHINESE = _Wording(
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


def explain(clock: Clock, calendar: Calendar) -> dict[str, str]:
    """How the due time of `clock` came about, in `en` and `zh-CN`; local times of the calendar.

    `calendar` is the version that the clock names. The due time told is the stored one, never a new computation.

    A calendar without enough opening time left is said to be one.
    """
    return {
        "en": " ".join(_sentences(clock, calendar, _ENGLISH)),
        "zh-CN": "".join(_sentences(clock, calendar, _CHINESE)),
    }


def _sentences(clock: Clock, calendar: Calendar, words: _Wording) -> Iterator[str]:
    local = _Local(calendar, words)
    yield from _due(clock, calendar, local)
    yield from _verdict(clock, local)


def _due(clock: Clock, calendar: Calendar, local: "_Local") -> Iterator[str]:
    """How the due time came about."""
    target, words = duration_of(clock.target), local.words
    sentence = words.by_promise if clock.by_promise else words.promise
    yield sentence.format(
        clock=words.clocks[clock.name],
        target=local.duration(target),
        code=clock.target,
        policy=clock.policy,
        policy_version=clock.policy_version,
        calendar=clock.calendar,
        calendar_version=clock.calendar_version or calendar.version,
        zone=calendar.zone.key,
    )
    if clock.retargeted_at is not None:
        yield words.retargeted.format(at=local.time(clock.retargeted_at))
    if clock.by_promise:
        yield words.started.format(start=local.time(clock.started_at))
        yield from _ending(clock, local)
        return
    try:
        base = due_at(clock.started_at, target, (), calendar)
    except CalendarExhausted:
        yield words.exhausted
    else:
        yield from _counting(clock.started_at, base, target, local)
        yield from _pauses(clock, base, target, local)
    yield from _ending(clock, local)


def _counting(start: datetime, base: datetime, target: Duration, local: "_Local") -> Iterator[str]:
    words = local.words
    outside = target.is_working and not local.calendar.is_open(start)
    yield (words.started_outside if outside else words.started).format(start=local.time(start))
    yield words.targets[target.measure].format(
        start=local.time(start),
        target=local.duration(target),
        base=local.time(base),
        pieces=words.comma.join(local.pieces(start, base, target)),
    )


def _pauses(clock: Clock, base: datetime, target: Duration, local: "_Local") -> Iterator[str]:
    """What moved the due time; where a date was promised instead, nothing did."""
    over = [
        (segment, ends)
        for segment in clock.segments
        if segment.reasons and (ends := segment.to_at) and (clock.due_at is None or segment.from_at < clock.due_at)
    ]
    paused = timedelta(0)
    for segment, ends in over:
        length = local.calendar.between(segment.from_at, ends) if target.is_working else ends - segment.from_at
        paused += length
        yield local.words.paused.format(
            begins=local.time(segment.from_at),
            ends=local.time(ends),
            reasons=local.reasons(segment),
            length=local.length(length, working=target.is_working),
        )
    if over and clock.promised_at is None and clock.due_at is not None:
        yield local.words.moved.format(
            base=local.time(base),
            paused=local.length(paused, working=target.is_working),
            due=local.time(clock.due_at),
        )


def _ending(clock: Clock, local: "_Local") -> Iterator[str]:
    if clock.promised_at is not None:
        yield local.words.promised.format(date=local.time(clock.promised_at))
    if clock.paused_reasons:
        last = clock.segments[-1]
        yield local.words.paused_now.format(begins=local.time(last.from_at), reasons=local.reasons(last))
    if clock.due_at is None:
        return
    yield local.words.due.format(due=local.time(clock.due_at))
    if local.calendar.is_provisional(clock.due_at):
        yield local.words.provisional.format(date=local.calendar.official_until)


def _verdict(clock: Clock, local: "_Local") -> Iterator[str]:
    """What became of the promise; nothing is said of one that still stands."""
    words = local.words
    if clock.state is ClockState.BREACHED:
        yield words.missed
    elif clock.met_at is not None:
        yield (words.met_late if clock.breached_at else words.met).format(at=local.time(clock.met_at))
    elif clock.ended_at is not None:
        cause = words.causes.get(clock.cancel_reason or "", clock.cancel_reason)
        yield words.cancelled.format(at=local.time(clock.ended_at), cause=cause)
    if clock.excused_at is not None:
        yield words.excused.format(at=local.time(clock.excused_at))


@dataclass(frozen=True, slots=True)
class _Local:
    """Times of one calendar in the words of one language."""

    calendar: Calendar
    words: _Wording

    def time(self, at: datetime) -> str:
        """Local date and time; seconds and fractions only where there are any."""
        local = self.calendar.local(at).replace(tzinfo=None)
        whole_minute = not (local.second or local.microsecond)
        return local.isoformat(sep=" ", timespec="minutes" if whole_minute else "auto")

    def reasons(self, segment: Segment) -> str:
        """Why the clock stood still."""
        return self.words.comma.join(self.words.reasons[reason] for reason in segment.reasons)

    def duration(self, duration: Duration) -> str:
        """A target in words."""
        return self.words.lengths[duration.measure].format(length=self._units(duration.length), days=duration.days)

    def length(self, length: timedelta, *, working: bool) -> str:
        """A length in words, with its measure."""
        return self.duration(Duration(Measure.WORKING_TIME if working else Measure.WALL, length=length))

    def pieces(self, start: datetime, base: datetime, target: Duration) -> Iterator[str]:
        """The days or openings that were counted, the first ones by name when they are many."""
        if target.measure is Measure.WORKING_DAYS and target.days:
            yield from self._days(start, target.days)
        elif target.measure is Measure.WORKING_TIME:
            yield from self._openings(start, base)

    def _days(self, start: datetime, days: int) -> Iterator[str]:
        for number in range(min(days, _MOST_PIECES) + 1):
            if closing := self._closing(start, number):
                yield f"{number}: {self._date(closing)}"
        if days > _MOST_PIECES and (closing := self._closing(start, days)):
            yield f"… {days}: {self._date(closing)}"

    def _closing(self, start: datetime, days: int) -> datetime | None:
        """An instant of the n-th working day after that of the start."""
        first = next(self.calendar.openings(start, self.calendar.add(start, Duration(Measure.WORKING_DAYS, days=1))))
        return self.calendar.add(start, Duration(Measure.WORKING_DAYS, days=days)) if days else first[0]

    def _date(self, at: datetime) -> str:
        """The local date; a closing at midnight belongs to the day that it ends."""
        return self.calendar.local(at - timedelta(microseconds=1)).date().isoformat()

    def _openings(self, start: datetime, base: datetime) -> Iterator[str]:
        pieces = list(islice(self.calendar.openings(start, base), _MOST_PIECES))
        for opens, closes in pieces:
            yield f"{self.time(opens)}–{self.time(closes)[11:]} ({self._units(closes - opens)})"
        if pieces and (more := self.calendar.between(pieces[-1][1], base)):
            yield self.words.rest.format(length=self._units(more))

    def _units(self, length: timedelta) -> str:
        minutes, seconds = divmod(length, timedelta(minutes=1))
        hours, minutes = divmod(minutes, 60)
        shown = (hours, minutes, f"{seconds.total_seconds():.6f}".rstrip("0").rstrip("."))
        parts = [f"{number} {unit}" for number, unit in zip(shown, self.words.units, strict=True) if str(number) != "0"]
        return " ".join(parts) or f"0 {self.words.units[1]}"
