"""What the survey's pages say."""

from services.runtime.pages import Phrases

WORDS = Phrases(
    {
        "survey.lead": (
            "您的评价会直接影响我们的改进，大约需要一分钟。",
            "It takes about a minute, and it changes how we work.",
        ),
        "survey.ticket_no": ("反馈单号", "Ticket number"),
        "survey.product": ("产品", "Product"),
        "survey.solved_at": ("解决时间", "Solved"),
        "survey.send": ("提交评价", "Send my answers"),
        "survey.save": ("保存修改", "Save the changes"),
        "survey.until": ("您可以在 {until} 之前评价。", "You can answer until {until}."),
        "survey.change.lead": (
            "这是您之前的评价，可以在 {until} 之前修改。",
            "These are your answers. You can change them until {until}.",
        ),
        "survey.required": ("请选择一项", "please choose one"),
        "survey.written": ("请填写", "please write something"),
        "survey.too_long": ("请缩短到 5000 字以内", "please shorten it to 5,000 characters"),
        "scale.5": ("很好", "Very good"),
        "scale.4": ("好", "Good"),
        "scale.3": ("一般", "Fair"),
        "scale.2": ("差", "Poor"),
        "scale.1": ("很差", "Very poor"),
        "words.5": ("非常满意", "Very satisfied"),
        "words.4": ("满意", "Satisfied"),
        "words.3": ("一般", "Neutral"),
        "words.2": ("不满意", "Dissatisfied"),
        "words.1": ("非常不满意", "Very dissatisfied"),
        "likelihood.hint": (
            "0 表示完全不可能，10 表示非常可能",
            "0 means not at all likely, 10 means extremely likely",
        ),
        "yes": ("是", "Yes"),
        "no": ("否", "No"),
        "thanks.title": ("谢谢您的评价", "Thank you for your answers"),
        "thanks.received": ("我们已在 {at} 收到。", "We received them at {at}."),
        "thanks.phone": (
            "我们在电话中替您记录了评价（{at}）。",
            "We recorded what you told us on the phone ({at}).",
        ),
        "thanks.low.title": ("很抱歉没有让您满意", "We are sorry that you were not content"),
        "thanks.low": (
            "客服主管会在 {by} 之前打电话给您，了解情况并继续跟进。",
            "A supervisor will call you by {by} to hear what went wrong and to put it right.",
        ),
        "thanks.good": ("您不需要再做什么，可以关闭此页面。", "There is nothing else to do. You can close this page."),
        "thanks.change": ("修改我的评价", "Change my answers"),
        "thanks.change.until": ("可在 {until} 之前修改。", "Possible until {until}."),
        "survey.kept": ("您刚才写的内容：", "What you wrote:"),
        "survey.elsewhere.title": ("您已在别处提交了评价", "You have answered in another window"),
        "survey.elsewhere.next": (
            "刚才的内容没有保存，仍在下面。再次提交会替换之前的评价。",
            "What you just sent was not saved and is still below. Sending it again replaces the earlier answers.",
        ),
        "answered.title": ("您已经评价过了", "You have answered already"),
        "answered.next": (
            "第一次的评价有效，且已超过可修改的时间。如有补充，请直接联系我们。",
            "Your first answers count, and the time for changing them has passed. If there is more to say, contact us.",
        ),
        "survey_expired.title": ("评价已截止", "This survey has ended"),
        "survey_expired.next": (
            "评价时间已过。如果问题还没有解决，或有想告诉我们的，请直接联系我们，我们会继续处理。",
            "The time for answering has passed. If something is still wrong, contact us and we will go on with it.",
        ),
        "survey_withdrawn.title": ("这次评价已撤回", "This survey was withdrawn"),
        "survey_withdrawn.next": (
            "您的工单正在继续处理，现在评价还太早。处理完成后我们会再次邀请您评价。您不需要做什么。",
            "We are working on your ticket again and will ask you once more when it is done. You need not do anything.",
        ),
        "closed.report": ("提交新的反馈", "Report something new"),
        "again.title": ("评价还没有保存", "Your answers are not saved yet"),
        "again.next": (
            "服务暂时不可用。您填写的内容都还在，请稍等片刻，再点一次下面的按钮；不会重复计算。",
            "Everything that you filled in is still here. Wait a moment and press the button again; it counts once.",
        ),
        "again.send": ("再次提交", "Send again"),
    }
)
