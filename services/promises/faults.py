"""What can be wrong with a policy, in the words of whoever reads it: code, level, and a text in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """An error cannot be stored; a warning is stored and told."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong; `pointer` is a JSON pointer into the policy, `facts` what its text names."""

    pointer: str
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """Whether the policy can be stored with it."""
        return _TEXTS[self.code][0]

    @property
    def words(self) -> Mapping[str, str]:
        """The text in both languages, for what is refused before anybody looks at who reads it."""
        return {language: self.says(language) for language in ("en", "zh")}

    def says(self, language: str) -> str:
        """The text in Chinese (`zh`) or English."""
        _, english, chinese = _TEXTS[self.code]
        return (chinese if language == "zh" else english).format_map(self.facts)


_E, _W = Level.ERROR, Level.WARNING
_TEXTS: Mapping[str, tuple[Level, str, str]] = {
    "unknown_calendar": (_E, "there is no calendar {id}: publish it first, or name another",
                         "没有工作日历 {id}：请先发布该日历，或改用其他日历"),
    "unknown_department": (_E, "no active department has the id {id}", "没有启用的部门 {id}"),
    "unknown_ladder": (_E, "there is no ladder {id}: make it first, or name another",
                       "没有升级阶梯 {id}：请先创建，或改用其他阶梯"),
    "unknown_questionnaire": (_E, "there is no questionnaire {id}", "没有问卷 {id}"),
    "not_checked": (_W, "whether {what} exists could not be checked now: {service} does not answer",
                    "暂时无法核对 {what} 是否存在：{service} 服务没有应答"),
    "calendar_never_opens": (_E, "the calendar {id} never opens: working time on it never passes",
                             "工作日历 {id} 没有任何工作时间：按工作时间计算的时限永远不会走"),
    "calendar_exhausted": (_E, "the calendar {id} has no opening time that far ahead",
                           "工作日历 {id} 没有那么远的工作时间"),
    "zero_duration": (_E, "a length of zero would be over at once: give a longer one",
                      "时长为零会立即到期：请填写更长的时长"),
    "never_starts": (_E, "this clock can never start: {why}", "该时限永远不会开始：{why_zh}"),
    "condition_never_holds": (_E, "no ticket can meet this condition: its parts exclude each other, or a list is empty",
                              "没有工单能满足该条件：各项互相排斥，或列表为空"),
    "never_pauses": (_E, "this clock can never be paused by {reason}: no ticket waits for that while the clock runs",
                     "该时限不可能因 {reason} 暂停：它运行期间工单不会等待该事项"),
    "promises_nothing": (_W, "no urgency has a target: leave the clock out if nothing is to be promised",
                         "任何紧急程度都没有时限：如不承诺请删除该项"),
    "urgency_without_target": (_W, "{urgency} has no target: give one, or `{urgency}: null` to promise nothing",
                               "{urgency} 没有时限：请填写，或写 `{urgency}: null` 表示不承诺"),
    "repeated": (_W, "this stands in the list before", "列表中已有相同的项"),
    "warning_never_fires": (_W, "this warning never comes: {ahead} before the due time is not after the start",
                            "该预警永远不会发出：到期前 {ahead} 不在开始之后、到期之前"),
    "reminder_after_end": (_W, "the reminder would come when the survey has expired: let it expire later",
                           "提醒时问卷已过期：请延长有效期或提前提醒"),
    "condition_hidden": (_W, "the conditions before this one already take all its tickets",
                         "前面的条件已包含该条件的全部工单"),
    "unreachable": (_W, "no ticket gets here: {ids}, tried before, take them all",
                    "没有工单会适用：排在前面的 {ids} 已全部覆盖"),
    "not_compared": (_W, "too many conditions to compare: whether others hide it, or it hides others, is not told",
                     "条件过多，无法比较：不能提示本策略与其他策略是否互相遮盖"),
    "overlaps": (_W, "some tickets go to {ids}, tried before, and some come here: check the order",
                 "部分工单适用排在前面的 {ids}，部分适用本策略：请检查顺序"),
    "hides": (_W, "published, it takes all tickets of {ids}, tried after it",
              "发布后，排在后面的 {ids} 将不再适用于任何工单"),
    "not_last": (_W, "it applies to every ticket and is not the last: {ids} would apply to none",
                 "它适用于所有工单但不是最后一条：{ids} 将不再适用于任何工单"),
}  # fmt: skip
