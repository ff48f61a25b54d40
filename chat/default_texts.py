"""What the page says of itself before an operator has written something better, by language.

Only facts that hold for every installation, and numbers that public bodies have published: in
mainland China 120, 110 and, since 2025, 12356 (National Health Commission); 112, 911 and 999 for
emergencies; 988 and 116 123 for people in despair. Checked in November 2026.
"""

from collections.abc import Mapping

ABOUT = {
    "zh-hans": (
        "这里用自闭症康复专家写给家长的话来回答您。每条回答都注明出自哪位专家。"
        "专家还没有回答过的，我们会如实告诉您，不会编造。\n\n"
        "它不是医生，不能诊断，也不能治疗。"
    ),
    "en": (
        "Answers here rest on what autism specialists have written for parents, and name whose "
        "words they are. What no expert has answered yet, we say so and make nothing up.\n\n"
        "This is not a doctor: it cannot diagnose or treat."
    ),
}
CRISIS = {
    "zh-hans": (
        "**有人受伤、有生命危险：现在就打 [120](tel:120)。**\n\n"
        "**有人受到威胁、孩子走失：打 [110](tel:110)。**\n\n"
        "**快撑不住了，或者想伤害自己：打 [12356](tel:12356)**，全国统一心理援助热线。\n\n"
        "在中国大陆以外，请拨打当地的急救电话，例如欧洲 [112](tel:112)、"
        "美国和加拿大 [911](tel:911)。\n\n"
        "等待的时候：把孩子和其他人带离危险，拿走尖锐或坚硬的东西，不要让孩子独自一人。\n\n"
        "*号码由主管部门公布（12356：国家卫生健康委员会，2025 年起），2026 年 11 月核对。*"
    ),
    "en": (
        "**Somebody is hurt or in danger: call your local emergency number now.** "
        "[112](tel:112) in the European Union, [911](tel:911) in the US and Canada, "
        "[999](tel:999) in the UK, [120](tel:120) (ambulance) or [110](tel:110) (police) "
        "in mainland China.\n\n"
        "**You cannot go on, or somebody wants to harm themselves:** call or text [988](tel:988) "
        "in the US and Canada, call [116 123](tel:116123) in the UK and Ireland, "
        "[12356](tel:12356) in mainland China. Elsewhere the emergency number helps, too.\n\n"
        "While you wait: take the child and others away from the danger, put sharp and hard "
        "things out of reach, and do not leave the child alone.\n\n"
        "*Numbers as public services publish them, checked in November 2026.*"
    ),
}
CONSENT = {
    "zh-hans": (
        "开始之前，请您同意：\n\n"
        "- 您写的内容和得到的回答会保存在本站的服务器上，直到您删除。\n"
        "- 本站的管理者和专家可能会看到它们，以便改进回答。\n"
        "- 回复可能由外部的人工智能服务写成，您的问题会为此发送给该服务。\n"
        "- 请不要写下孩子或他人的姓名、住址、电话等信息。"
    ),
    "en": (
        "Before you begin, please agree to this:\n\n"
        "- What you write and what you are answered is kept on this site’s server until you "
        "delete it.\n"
        "- The people who run this site, and its experts, may read it to make answers better.\n"
        "- Replies may be written by an outside AI service, to which your question is sent.\n"
        "- Please write no names, addresses or telephone numbers of your child or of others."
    ),
}
PRIVACY = {
    "zh-hans": (
        "您的对话保存在本站的服务器上，凭浏览器里的一个 Cookie（或您的账号）归您所有。"
        "您可以随时导出或删除。本站的管理者和专家可能会看到它们，以便改进回答。\n\n"
        "如果回复由人工智能写成，您的问题会发送给本站所用的语言模型服务，"
        "但不会附上您的姓名、地址或账号。本页面不使用任何第三方的跟踪或广告。\n\n"
        "请不要写下孩子或他人的姓名、住址、电话。"
    ),
    "en": (
        "Your conversations are kept on this site’s server. They are yours by a cookie in this "
        "browser, or by your account, and you can export or delete them at any time. The people "
        "who run this site, and its experts, may read them to make answers better.\n\n"
        "Where a reply is written by AI, your question is sent to the language model that this "
        "site uses, without your name, address or account. This page has no third-party tracking "
        "or advertising.\n\n"
        "Please write no names, addresses or telephone numbers of your child or of others."
    ),
}
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "about": ABOUT,
    "crisis": CRISIS,
    "consent": CONSENT,
    "privacy": PRIVACY,
}
"""By kind, then by language."""
