### 订单以外机器人说的话：问候、帮助、列表、管理员报告。

language-name = 中文

bot-description =
    把你正在学的词发给我，我来画出它的意思。词本身就是画面：笔画化作山脊、河流和屋檐。看一眼画，就记住了字形。

    中文、日语、韩语、阿拉伯语、俄语、印地语、泰语、英语等等，共有五种风格。
bot-short-description = 用文字本身画出词的意思，让你一看就记住。

command-write = 画一个词：/write 学习 study
command-help = 使用方法
command-cancel = 取消还没画好的图
command-language = 选择我说的语言
command-about = 关于本机器人和许可证
command-gpu = 引擎、队列和设备

start =
    👋 你好！我会画词。

    发一个你正在学的词，也可以带上意思：
    <code>학교 - 学校</code>

    选一种风格，就会收到一张以这个词为构图的画。更多用法见 /help。
start-group =
    👋 大家好！我会画词：<code>/write 학교 学校</code>
    谁点的词，谁来选风格。
help =
    <b>使用方法</b>
    <code>/write 학교 学校</code>
    <code>학교 - 学校</code>（私聊时不用写命令）
    <code>/write "guten Tag" 你好</code>（有空格的词请加引号）

    词和意思之间用空格、<code> - </code>、<code>=</code>、<code>|</code> 或换行隔开。可以不写意思；它会写在图下，有时也决定画面。

    <b>选项</b>，写在哪里都行
    <code>style:ink</code> { QUOTE($styles) }
    <code>lang:ja</code> 词的语言，适用于几种语言共用的文字
    <code>seed:7</code> 同一个数字画出同一张图

    <b>命令</b>
    /cancel 取消还没画好的图
    /language 更换我说的语言
    /about 关于本机器人
help-unknown = 没有这个命令。
help-words-only = 我目前只会画词。请用文字发一个词，比如 <code>학교 - 学校</code>。更多用法见 /help。
help-prose = 这么长，一张图放不下。请发一个词，或者词加意思：<code>학교 - 学校</code>。有空格的词请加引号。更多用法见 /help。
help-group = 写 <code>/write 학교 学校</code>，我就来画。
help-anonymous = 我看不到是谁在问，这样没有人能按按钮。请用自己的身份发送，不要以群组或频道的名义。

ask-word = 想画哪个词？发给我吧，也可以带上意思。
ask-word-placeholder = 학교 - 学校

about =
    <b>Wordbrush</b> { QUOTE($version) }
    用文字本身作构图，画出词的意思。

    自由软件，采用 Apache License 2.0。
    字体：随附字体采用 SIL Open Font License 1.1（openfontlicense.org）。
    双向文字：python-bidi，GNU LGPL 3（github.com/MeirKriheli/python-bidi）。
    文字排版：HarfBuzz，MIT（harfbuzz.github.io）。
    聊天：aiogram，MIT（aiogram.dev）。

    我只保存你的 Telegram 编号、语言和发来的词，好把图片送到你手里，别的都不存。

language-question = 想让我用哪种语言和你说话？学什么语言的词都可以。
language-chosen = 现在我说中文了。
button-language-auto = 跟随 Telegram

cancel-nothing = 现在没有正在画的图，不用取消。
cancel-done = 已取消。
cancel-done-many = 已取消 { $count } 张图。
cancel-which = 要取消哪一张？
cancel-more = 这里是最新的，还有 { $count } 张。
button-cancel-all = ✖️ 全部取消

press-gone = 找不到这张图了，请重新发一次这个词。
press-not-yours = 只有点这个词的人可以按。想画自己的词，请用 /write
press-on-its-way = 已经在画了。
press-finished = 这张图已经画好了。
press-cancelled = 这个已经取消了，请重新发一次这个词。
press-failed = 这张图没画成，请重新发一次这个词。
press-too-late = 来不及取消了：图片正在发送。
press-cancel-done = 已取消。
press-accepted = 开始画了！
press-original = 原图马上就来。
press-original-again = 原图已经发出，或者马上就到。
press-old = 这是旧版本的按钮，请重新发一次这个词。
press-not-ready = 这里还没有图。

gpu-title = <b>引擎</b> { QUOTE($engine) } { QUOTE($version) }
gpu-queue = <b>队列</b> 等待 { $waiting } · 绘制中 { $running }
gpu-orders = <b>订单</b> { QUOTE($counts) }
gpu-pictures = <b>已存图片</b> { QUOTE($pictures) } · { QUOTE($used) } / { QUOTE($budget) } GiB
gpu-database = <b>学习者</b> { QUOTE($learners) } · 数据库 { QUOTE($size) } MiB
gpu-device = <b>设备</b> { QUOTE($name) }
gpu-memory = 显存 { QUOTE($used) } / { QUOTE($total) } GiB
gpu-temperature = 温度 { QUOTE($celsius) } °C
gpu-load = 负载 { QUOTE($percent) }%
gpu-power = 功率 { QUOTE($watts) } W
gpu-clock = 频率 { QUOTE($megahertz) } MHz
gpu-driver = 驱动 { QUOTE($driver) }
gpu-none = <b>设备</b> 没有 GPU，正在用处理器绘制（{ QUOTE($processor) }，{ $cores } 核）
gpu-process = 进程内存 { QUOTE($used) } / { QUOTE($total) } GiB
gpu-last = <b>最近的图</b> { QUOTE($seconds) } 秒
gpu-last-none = <b>最近的图</b> 启动以来还没有
gpu-advice-title = <b>建议</b>
gpu-advice-none = • 一切正常，不用调整。
gpu-advice-no-gpu = • 这个版本由内置画师用处理器绘制，不需要 GPU，加装显卡目前也不会有变化。将来使用 12 GB 以上 NVIDIA 显卡的扩散引擎不在这个版本里。现在想画得更快，需要更快的处理器。
gpu-advice-idle = • 显卡没有用到：这个版本用处理器绘制。能用上这块显卡的扩散引擎不在这个版本里。
gpu-advice-small = • 显卡没有用到：这个版本用处理器绘制。扩散引擎不在这个版本里，它将需要 12 GB 以上显存，这块显卡不够。
gpu-advice-hot = • 显卡很热（{ QUOTE($celsius) } °C），请检查风扇和通风。
gpu-advice-memory = • 显存快满了，请关闭其他占用显存的程序。
gpu-advice-crowded = • 队列很长。换更快的处理器，或把图片改小，都能缩短等待。
