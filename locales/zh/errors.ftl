### generation/contracts/errors.py 中的每种错误各有一条。这里不用标签：弹窗只显示纯文本。

error-internal = 我这边出了点问题，请稍后再试。
error-reference = 我这边出了点问题，请再试一次。如果一直这样，请把这个代码告诉管理员：{ QUOTE($reference) }

error-word-refused = 这个词我画不了，换一个试试，比如“学习”。
error-word-empty = 没有看到词。请写一个，比如：/write 学习 study
error-word-too-long = 一共 { $length } 个字符，一张图最多放 { $limit } 个。换个短一点的吧。
error-word-broken = 文字在 { QUOTE($code) } 处损坏了，请重新复制一遍。
error-word-control = 词里有一个看不见的控制字符（{ QUOTE($code) }），请去掉后再发一次。
error-word-bidi = 词里有一个看不见的方向控制符（{ QUOTE($code) }），请去掉后再发一次。
error-word-stacked = 有一个字母叠了超过 { $limit } 个附加符号，这样的我画不了。
error-word-emoji = 表情本身就是图画啦。请发一个用文字写的词。
error-word-no-ink = 没有可以画的内容：既没有字母，也没有汉字。请发一个词。
error-word-missing-glyph = 我没有“{ QUOTE($character) }”（{ QUOTE($code) } { QUOTE($name) }）的字体，请去掉这个字符再试。

error-request-refused = 有一个选项不对，请看 /help。
error-style-unknown = 没有“{ QUOTE($style) }”这种风格。可选：{ QUOTE($known) }。
error-language-unknown = 没有认出语言“{ QUOTE($language) }”。请用代码，比如 lang:ja 或 lang:zh-Hant。
error-kind-unknown = 没有“{ QUOTE($kind) }”这种控制图。可选：{ QUOTE($known) }。
error-method-unknown = { QUOTE($kind) } 没有“{ QUOTE($method) }”这种方法。可选：{ QUOTE($known) }。
error-engine-unknown = 这里没有“{ QUOTE($engine) }”引擎。可选：{ QUOTE($known) }。
error-size = 尺寸 { QUOTE($width) }×{ QUOTE($height) } 不行：每边须为 { QUOTE($smallest) } 到 { QUOTE($largest) } 像素，步长 { QUOTE($step) }。
error-number = { QUOTE($option) }:{ QUOTE($value) } 不行：请给一个 { QUOTE($smallest) } 到 { QUOTE($largest) } 之间的数字。
error-translation-too-long = 翻译有 { $length } 个字符，图片说明最多放 { $limit } 个，请写短一点。

error-queue-refused = 现在没有空位，请过几分钟再试。
error-queue-full = 现在人很多：已有 { $limit } 个词在排队。请过几分钟再试。
error-queue-yours-full = 你已经有 { $limit } 个词在排队了。等一张画好，或者用 /cancel 取消一个。
error-drafts-yours-full = 你已经有 { $limit } 个词在等着选画风了。先选好画风，或者用 /cancel 取消一些。

error-painting = 这张图没画成，请再试一次。
error-out-of-memory = 内存不够画这张图，请稍后再试。
error-engine-unavailable = 现在暂时画不了，请稍后再试。
error-cancelled = 已取消。
error-storage = 没能记下你的请求，请一分钟后再试。
error-disk-full = 磁盘满了，暂时接不了新词，请稍后再试。
error-dead = 这张图试了好几次都没成功。换个风格或换个词试试吧。
error-delivery-refused = 这个聊天不让我发送图片。请允许我在这里发送照片，然后再试一次。
