// The page's own words in English, Russian and Chinese. Follows the current learner's Telegram language.
// Knows nothing of what a bot says: that is the bot's business.

const WORDS = {
  en: {
    skip: "Skip to the message field", chats: "Chats", banner: "Playground.", bannerText: "A real bot, without Telegram.", bannerMore: "Nothing leaves this machine.",
    bot: "bot", members: (n) => plural("en", n, { one: `${n} member`, other: `${n} members` }),
    typing: "typing", upload_photo: "sending a photo", upload_document: "sending a file", choose_sticker: "choosing a sticker", record_voice: "recording",
    you: "You", today: "Today", yesterday: "Yesterday", edited: "edited", photo: "Photo", document: "Document", noMessages: "No messages yet", draft: "Draft:",
    placeholder: "Write a message", send: "Send", commands: "Commands", start: "Start", unblockBar: "Unblock the bot", reply: "Reply", replyTo: (name) => `Reply to ${name}`,
    cancelReply: "Cancel reply", openChats: "Open the chat list", closeChats: "Close the chat list", more: "More", block: "Block the bot", unblock: "Unblock the bot",
    blockedNote: "You blocked this bot. It cannot write to you.", identity: "Who you are", switchTo: (name) => `Write as ${name}`, language: "Telegram language",
    addLearner: "Add a learner", newGroup: "New group", theme: "Theme", "theme.auto": "As the system", "theme.light": "Light", "theme.dark": "Dark",
    reset: "Clear everything…", resetAsk: "Clear all chats, learners and files of the playground? The bot's own data stays.", resetDo: "Clear", cancel: "Cancel", create: "Create", close: "Close", ok: "OK",
    firstName: "First name", username: "Username (optional)", groupTitle: "Group name", groupMembers: "Members", botMember: "The bot is a member too.",
    emptyTitle: "Write a word, get it painted", emptyText: "Send a word and what it means. Choose a style, and the picture arrives here.", tryThese: "Try one of these",
    emptyGroup: "In groups the bot answers commands, replies to it and its buttons.", reconnecting: "The playground does not answer. Reconnecting…", backOnline: "Connected again.",
    copied: (text) => `Copied: ${text}`, copyFailed: "The browser did not allow copying.", notSent: "Not sent.", retry: "Try again", sending: "Sending", delivered: "Sent", seen: "Received by the bot",
    newMessages: (n) => plural("en", n, { one: `${n} new message`, other: `${n} new messages` }), toEnd: "To the newest message", openPhoto: "Open the photo", download: "Download", openInTab: "Open in a new tab",
    unread: (n) => plural("en", n, { one: `${n} unread message`, other: `${n} unread messages` }), unsupported: (kind) => `A message of a kind this page does not show (${kind}).`,
    spoiler: "Hidden text, press to show", failedTap: "The button's press did not get through.", waiting: "waiting", loading: "Loading…", error: "That did not work.",
    earlier: "Show earlier messages", groupCreated: (name) => `${name} created the group`, joined: (name) => `${name} joined`, left: (name) => `${name} left`, pinned: "A message was pinned", expiredReply: "Deleted message",
    answerWaiting: "The bot has not answered the press yet.", picture: (text) => `Picture. ${text}`,
  },
  ru: {
    skip: "К полю сообщения", chats: "Чаты", banner: "Песочница.", bannerText: "Настоящий бот без Телеграма.", bannerMore: "Ничто не покидает этот компьютер.",
    bot: "бот", members: (n) => plural("ru", n, { one: `${n} участник`, few: `${n} участника`, other: `${n} участников` }),
    typing: "печатает", upload_photo: "отправляет фото", upload_document: "отправляет файл", choose_sticker: "выбирает стикер", record_voice: "записывает голос",
    you: "Вы", today: "Сегодня", yesterday: "Вчера", edited: "изменено", photo: "Фото", document: "Файл", noMessages: "Сообщений пока нет", draft: "Черновик:",
    placeholder: "Сообщение", send: "Отправить", commands: "Команды", start: "Начать", unblockBar: "Разблокировать бота", reply: "Ответить", replyTo: (name) => `Ответ для ${name}`,
    cancelReply: "Отменить ответ", openChats: "Открыть список чатов", closeChats: "Закрыть список чатов", more: "Ещё", block: "Заблокировать бота", unblock: "Разблокировать бота",
    blockedNote: "Вы заблокировали бота. Он не может вам писать.", identity: "От чьего имени", switchTo: (name) => `Писать как ${name}`, language: "Язык Телеграма",
    addLearner: "Добавить ученика", newGroup: "Новая группа", theme: "Тема", "theme.auto": "Как в системе", "theme.light": "Светлая", "theme.dark": "Тёмная",
    reset: "Очистить всё…", resetAsk: "Удалить все чаты, учеников и файлы песочницы? Данные самого бота останутся.", resetDo: "Очистить", cancel: "Отмена", create: "Создать", close: "Закрыть", ok: "Понятно",
    firstName: "Имя", username: "Имя пользователя (необязательно)", groupTitle: "Название группы", groupMembers: "Участники", botMember: "Бот тоже участник.",
    emptyTitle: "Напишите слово — оно станет картиной", emptyText: "Отправьте слово и его значение, выберите стиль, и картинка придёт сюда.", tryThese: "Попробуйте",
    emptyGroup: "В группах бот отвечает на команды, на ответы ему и на свои кнопки.", reconnecting: "Песочница не отвечает. Соединяемся…", backOnline: "Снова на связи.",
    copied: (text) => `Скопировано: ${text}`, copyFailed: "Браузер не разрешил копирование.", notSent: "Не отправлено.", retry: "Повторить", sending: "Отправляется", delivered: "Отправлено", seen: "Бот получил",
    newMessages: (n) => plural("ru", n, { one: `${n} новое сообщение`, few: `${n} новых сообщения`, other: `${n} новых сообщений` }), toEnd: "К последнему сообщению", openPhoto: "Открыть фото", download: "Скачать", openInTab: "Открыть в новой вкладке",
    unread: (n) => plural("ru", n, { one: `${n} непрочитанное сообщение`, few: `${n} непрочитанных сообщения`, other: `${n} непрочитанных сообщений` }), unsupported: (kind) => `Сообщение такого вида здесь не показывается (${kind}).`,
    spoiler: "Скрытый текст, нажмите, чтобы показать", failedTap: "Нажатие не дошло.", waiting: "ожидание", loading: "Загрузка…", error: "Не получилось.",
    earlier: "Показать более ранние", groupCreated: (name) => `Группу создаёт ${name}`, joined: (name) => `${name} теперь в группе`, left: (name) => `${name} покидает группу`, pinned: "Сообщение закреплено", expiredReply: "Удалённое сообщение",
    answerWaiting: "Бот ещё не ответил на нажатие.", picture: (text) => `Картинка. ${text}`,
  },
  zh: {
    skip: "跳到输入框", chats: "聊天", banner: "试验场。", bannerText: "真实的机器人，不经过 Telegram。", bannerMore: "数据不离开本机。",
    bot: "机器人", members: (n) => `${n} 位成员`,
    typing: "正在输入", upload_photo: "正在发送图片", upload_document: "正在发送文件", choose_sticker: "正在选择贴纸", record_voice: "正在录音",
    you: "你", today: "今天", yesterday: "昨天", edited: "已编辑", photo: "图片", document: "文件", noMessages: "还没有消息", draft: "草稿：",
    placeholder: "写消息", send: "发送", commands: "命令", start: "开始", unblockBar: "解除屏蔽", reply: "回复", replyTo: (name) => `回复 ${name}`,
    cancelReply: "取消回复", openChats: "打开聊天列表", closeChats: "关闭聊天列表", more: "更多", block: "屏蔽机器人", unblock: "解除屏蔽",
    blockedNote: "你屏蔽了机器人，它不能给你发消息。", identity: "你的身份", switchTo: (name) => `以 ${name} 的身份写`, language: "Telegram 语言",
    addLearner: "添加学习者", newGroup: "新建群组", theme: "外观", "theme.auto": "跟随系统", "theme.light": "浅色", "theme.dark": "深色",
    reset: "全部清空…", resetAsk: "清空试验场的所有聊天、学习者和文件？机器人自己的数据会保留。", resetDo: "清空", cancel: "取消", create: "创建", close: "关闭", ok: "好",
    firstName: "名字", username: "用户名（可选）", groupTitle: "群组名称", groupMembers: "成员", botMember: "机器人也在群里。",
    emptyTitle: "写一个词，看它变成画", emptyText: "发送一个词和它的意思，选择风格，图片就会出现在这里。", tryThese: "试试这些",
    emptyGroup: "在群组里，机器人只回应命令、对它的回复和它的按钮。", reconnecting: "试验场没有回应，正在重新连接…", backOnline: "已重新连接。",
    copied: (text) => `已复制：${text}`, copyFailed: "浏览器不允许复制。", notSent: "未发送。", retry: "重试", sending: "发送中", delivered: "已发送", seen: "机器人已收到",
    newMessages: (n) => `${n} 条新消息`, toEnd: "跳到最新消息", openPhoto: "查看图片", download: "下载", openInTab: "在新标签页打开",
    unread: (n) => `${n} 条未读消息`, unsupported: (kind) => `此页面不支持显示这种消息（${kind}）。`,
    spoiler: "隐藏的文字，点按显示", failedTap: "点按没有成功。", waiting: "等待中", loading: "加载中…", error: "没有成功。",
    earlier: "显示更早的消息", groupCreated: (name) => `${name} 创建了群组`, joined: (name) => `${name} 加入了群组`, left: (name) => `${name} 离开了群组`, pinned: "一条消息已置顶", expiredReply: "已删除的消息",
    answerWaiting: "机器人还没有回应。", picture: (text) => `图片。${text}`,
  },
};

let locale = "en";
let region = "en";

function plural(language, count, forms) {
  return forms[new Intl.PluralRules(language).select(count)] ?? forms.other;
}

/** Takes the page's language from a Telegram code such as `zh-hans`; falls back to English. @param {string} code */
export function useLanguage(code = "en") {
  const base = String(code).toLowerCase().split(/[-_]/)[0];
  locale = base in WORDS ? base : "en";
  document.documentElement.lang = locale === "zh" ? "zh-Hans" : locale;
  // Where the browser speaks the same language it also knows the region: 24 hours or AM and PM.
  region = navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === locale) ?? document.documentElement.lang;
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const node of document.querySelectorAll("[data-i18n-label]")) node.setAttribute("aria-label", t(node.dataset.i18nLabel));
  return locale;
}

/** The page's words for a key. @param {string} key @param {...any} args */
export function t(key, ...args) {
  const word = WORDS[locale][key] ?? WORDS.en[key] ?? key;
  return typeof word === "function" ? word(...args) : word;
}

/** Hours and minutes. @param {number} seconds Unix time. */
export function clock(seconds) {
  return new Intl.DateTimeFormat(region, { hour: "2-digit", minute: "2-digit" }).format(seconds * 1000);
}

/** The day as people say it. @param {number} seconds Unix time. */
export function day(seconds) {
  const date = new Date(seconds * 1000);
  const days = Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(region, { day: "numeric", month: "long", year }).format(date);
}

/** The short stamp of a chat list: the time today, else the date. @param {number} seconds */
export function stamp(seconds) {
  if (midnight(new Date()) === midnight(new Date(seconds * 1000))) return clock(seconds);
  return new Intl.DateTimeFormat(region, { day: "2-digit", month: "2-digit" }).format(seconds * 1000);
}

/** A file's size for people. @param {number} bytes */
export function fileSize(bytes) {
  const unit = bytes < 1024 ? "byte" : bytes < 1_048_576 ? "kilobyte" : "megabyte";
  const value = bytes / { byte: 1, kilobyte: 1024, megabyte: 1_048_576 }[unit];
  const digits = unit === "megabyte" ? 1 : 0;
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits }).format(value);
}

/** The name of a language in the page's language. @param {string} code */
export function languageName(code) {
  try {
    return new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(code) ?? code;
  } catch {
    return code; // not a well-formed tag: shown as it is
  }
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
