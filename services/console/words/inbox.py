"""Words of the inbox."""

TEXTS: dict[str, tuple[str, str]] = {
    "inbox.title": ("收件箱", "Inbox"),
    "inbox.lists": ("通知列表", "Lists of notices"),
    "inbox.view.mine": ("发给我的", "To me"),
    "inbox.view.all": ("全部通知", "All notices"),
    "inbox.view.customers": ("发给客户的", "To customers"),
    "inbox.view.failed": ("发送失败", "Failed"),
    "inbox.view.not_sent": ("未发送", "Not sent"),
    "inbox.ticket_no": ("工单号", "Ticket number"),
    "inbox.kind": ("通知类型", "Kind"),
    "inbox.audience": ("收件方", "For"),
    "inbox.state": ("状态", "State"),
    "inbox.channel": ("渠道", "Channel"),
    "inbox.to": ("收件人", "To"),
    "inbox.why": ("未发送原因：", "Not sent:"),
    "inbox.last_error": (
        "已尝试 {count} 次，最近一次错误：{code}",
        "Tried once; error: {code}|Tried {count} times; last error: {code}",
    ),
    "inbox.not_entitled": (
        "正文含客户信息，只有经办该工单的人可见。",
        "The text is for those who handle the ticket: it holds the customer's name.",
    ),
    "inbox.unwritten": ("还没有生成正文。", "Nothing was written yet."),
    "inbox.resend": ("重新发送", "Send again"),
    "inbox.resend.hint": ("使用同一编号，收件方可识别重复。", "Under the same key: a receiver knows a copy."),
    "inbox.resent": ("已安排重新发送。", "On its way again."),
    "inbox.choose": ("选择一条通知查看正文。", "Choose a notice to read it."),
    "inbox.empty.mine": ("没有发给您的通知", "Nothing addressed to you"),
    "inbox.empty.all": ("没有通知", "No notices"),
    "inbox.empty.text": (
        "发给客户和同事的每一条通知都会出现在这里，未接入邮件时也能试用。",
        "Every notice to customers and staff appears here, also before mail is set up.",
    ),
    "inbox.link.console": ("打开工单", "Open the ticket"),
}
