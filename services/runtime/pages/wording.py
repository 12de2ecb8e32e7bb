"""What the frame itself says: languages, times, forms that need another look, refusals."""

from services.runtime.pages.phrases import Phrases

FRAME = Phrases(
    {
        "skip": ("跳到正文", "Skip to the content"),
        "language.choose": ("语言", "Language"),
        "language.zh-CN": ("中文", "中文"),
        "language.en": ("English", "English"),
        "house": ("客户服务", "Customer service"),
        "times": ("页面上的时间均为 {offset}。", "All times on this page are {offset}."),
        "help": ("需要人工帮助？请联系 {help_line}", "Need a person? Reach us at {help_line}"),
        "optional": ("选填", "optional"),
        "errors.title": ("请看一下标出的地方", "Please look at what is marked"),
        "errors.mark": ("有误：", "Error: "),
        "refusal.help": ("还是不行？请联系 {help_line}", "Still stuck? Reach us at {help_line}"),
        "refusal.id": ("反馈问题时请附上编号：", "When you tell us, name this number: "),
        "refusal.home": ("返回首页", "Go to the start page"),
        "refusal.400.title": ("没能看懂这次提交", "We could not read what was sent"),
        "refusal.400.next": (
            "内容在传输中损坏，或含有无法保存的字符。请返回上一页，检查后重新提交。",
            "It was damaged on its way, or holds characters that cannot be kept. Go back, check it and send it again.",
        ),
        "refusal.403.title": ("这次提交不是从本页面发出的", "This was not sent from our page"),
        "refusal.403.next": (
            "为保护您，我们没有处理它。请重新打开我们发给您的链接，再提交一次。",
            "To protect you we did nothing. Open the link that we sent you and send it from there.",
        ),
        "refusal.404.title": ("找不到这个页面", "There is no such page"),
        "refusal.404.next": (
            "链接可能不完整，或已失效。请完整复制最近一次收到的链接再打开。",
            "The link may be incomplete or expired. Copy all of the latest one and open it again.",
        ),
        "refusal.405.title": ("这个页面不能这样打开", "This page cannot be opened like this"),
        "refusal.405.next": (
            "请重新打开我们发给您的链接，从那里继续。",
            "Open the link that we sent you and go on from there.",
        ),
        "refusal.408.title": ("提交用了太长时间", "Sending took too long"),
        "refusal.408.next": (
            "网络可能不稳定。请返回上一页，填写的内容一般还在，再提交一次。",
            "The network may be weak. Go back: what you typed is usually still there. Send it again.",
        ),
        "refusal.413.title": ("内容太大了", "That is too much at once"),
        "refusal.413.next": (
            "请返回上一页，把文字缩短后再提交。",
            "Go back, shorten the text and send it again.",
        ),
        "refusal.415.title": ("这里只接收表单", "Only forms are taken here"),
        "refusal.415.next": (
            "请在我们的页面上填写，不要附带文件。",
            "Please fill in our page, without files.",
        ),
        "refusal.422.title": ("有内容需要修改", "Something needs to be corrected"),
        "refusal.422.next": ("请返回上一页检查后重新提交。", "Go back, check it and send it again."),
        "refusal.429.title": ("请稍等片刻", "Just a moment"),
        "refusal.429.next": (
            "短时间内的请求太多。请等一分钟，再返回上一页重试；填写的内容一般还在。",
            "That was too many requests. Wait a minute, go back and try again; what you typed is usually still there.",
        ),
        "refusal.500.title": ("我们这边出错了", "Something failed on our side"),
        "refusal.500.next": (
            "这不是您的问题。请稍后再试。",
            "This is not your mistake. Please try again later.",
        ),
        "refusal.503.title": ("服务暂时不可用", "Not available just now"),
        "refusal.503.next": (
            "请等一会儿再试。如果刚才在提交表单，请返回上一页原样再交一次，不会重复登记。",
            "Please try again shortly. If you were sending a form, go back and send it again as it is: it counts once.",
        ),
        "refusal.other.title": ("没能完成", "That did not work"),
        "refusal.other.next": ("请返回上一页再试一次。", "Go back and try again."),
    }
)
