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
gpu-advice-hot = • 显卡很热（{ QUOTE($celsius) } °C），请检查风扇和通风。
gpu-advice-memory = • 显存快满了：{ QUOTE($used) } / { QUOTE($total) } GiB。在 DIFFUSION__OVERRIDES 里减小 batch_limit，或设置 DIFFUSION__LAYOUT=union，可以省出空间。
gpu-advice-crowded = • 队列很长。换更快的处理器，或把图片改小，都能缩短等待。
gpu-others = 其他程序占用 { QUOTE($size) } GiB
gpu-capability = 计算能力 { QUOTE($version) }
gpu-more = ……还有 { $count } 块
gpu-profile = <b>配置</b> { QUOTE($profile) }（{ $reason }），一次最多 { $limit } 张
gpu-why-device = 按显存选择
gpu-why-setting = 由设置指定
gpu-why-eased = 显存不足后改得更省
gpu-runs-on = 运行于 { QUOTE($name) }（{ QUOTE($where) }）
gpu-setup = { QUOTE($parts) }
gpu-plan-approximate = （近似）
gpu-overrides = 另行设置：{ QUOTE($fields) }
gpu-torch-memory = 模型和图片占用 { QUOTE($used) } GiB，已预留 { QUOTE($total) } GiB
gpu-models = <b>内存中的模型</b>
gpu-models-none = <b>内存中的模型</b> 暂无
gpu-model = { QUOTE($role) } { QUOTE($name) } · { QUOTE($took) } 秒 · { QUOTE($size) } MiB
gpu-weights-complete = <b>权重</b> 齐全
gpu-weights-missing = <b>权重</b> 缺少：{ QUOTE($roles) }
gpu-weights-damaged = <b>权重</b> 损坏：{ QUOTE($roles) }
gpu-weights-downloading = <b>权重</b> 下载中，{ QUOTE($done) } / { QUOTE($total) } GiB，{ $percent }%
gpu-weights-listing = <b>权重</b> 下载中，正在向模型库查询总大小
gpu-size = { QUOTE($what) }：每张 { QUOTE($took) } 秒，峰值 { QUOTE($peak) } GiB
gpu-warm-up = <b>预热</b> { QUOTE($words) }
gpu-advice-stands-in = • 现在由内置画师代替扩散引擎绘制：{ $reason }
gpu-advice-again = • { $seconds } 秒后再试扩散引擎。
gpu-advice-weights-missing = • 缺少权重（{ QUOTE($roles) }）。请运行 <code>python -m bot models fetch</code> 下载，或设置 GENERATION__DOWNLOAD=true。
gpu-advice-weights-damaged = • 权重损坏（{ QUOTE($roles) }）。请运行 <code>python -m bot models verify</code>，再运行 <code>python -m bot models fetch</code>。
gpu-advice-download = • 正在下载权重：{ QUOTE($done) } / { QUOTE($total) } GiB，{ $percent }%。这段时间由内置画师绘制。
gpu-advice-no-gpu = • 内置画师用处理器绘制，不需要 GPU。装上 12 GB 以上的 NVIDIA 显卡，就能用扩散引擎绘制。
gpu-advice-idle = • 显卡没有用到。请设置 GENERATION__ENGINE=auto，安装 <code>diffusion</code> 附加包并下载权重；<code>python -m bot doctor</code> 会告诉你缺什么。
gpu-advice-small = • { QUOTE($name) } 只有 { QUOTE($size) } GiB，扩散引擎需要 12 GB 以上。现在用处理器绘制。
gpu-advice-throttled-heat = • 显卡因过热而降速，请检查风扇和通风。
gpu-advice-throttled-power = • 显卡因供电不足而降速，请检查电源。
gpu-advice-others = • 显存快满了，其中 { QUOTE($size) } GiB 被其他程序占用，可用 <code>nvidia-smi</code> 查看。
gpu-advice-out-of-memory = • 显存不足 { $count } 次；减小批量或图片尺寸会有帮助。
gpu-advice-eased = • 显存不足，配置 { QUOTE($profile) } 已改得更省；模型卸载后恢复原样。
gpu-advice-beyond = • 设置对配置 { QUOTE($profile) } 的要求超过了这块显卡的容量。
gpu-advice-larger-batch = • 显存有余：最多只用了 { QUOTE($peak) } GiB。可在 DIFFUSION__OVERRIDES 里试试 batch_limit { $limit }。
gpu-advice-attention = • 注意力 { QUOTE($wanted) } 在这里不能用，改用 { QUOTE($used) }。
gpu-advice-compile = • 编译（{ QUOTE($wanted) }）失败，引擎以 { QUOTE($used) } 运行，原因见日志。
gpu-advice-leak = • 最近 { $count } 批里内存增长了 { QUOTE($size) } MiB。请择时重启机器人，并报告这个问题。
gpu-reason-extra = 附加包没有安装或无法导入。请运行 <code>make run EXTRAS=diffusion</code>。
gpu-reason-cuda-build = 安装的 torch 不带 CUDA，请安装适合这块显卡的版本。
gpu-reason-driver = NVIDIA 驱动没有响应。请安装驱动，或让容器能访问 GPU。
gpu-reason-old-driver = NVIDIA 驱动对安装的 torch 来说太旧，请更新。
gpu-reason-device = 设置里的设备不存在，请检查 DIFFUSION__DEVICE 和 CUDA_VISIBLE_DEVICES。
gpu-reason-small = 显卡不足 12 GB。设置 DIFFUSION__DEVICE=cuda 可以强行一试。
gpu-reason-hub = 模型仓库没有响应，下载会从中断处继续。
gpu-reason-licence = 模型仓库要求登录或接受许可。请在那里接受许可，并设置 HF_TOKEN。
gpu-reason-model = 设置里的某个模型不能用，<code>python -m bot models list</code> 会指出是哪个。
gpu-reason-room = 磁盘放不下权重。请腾出空间，或设置 DIFFUSION__CACHE_FOLDER。
gpu-reason-damaged = 权重损坏，请运行 <code>python -m bot models verify</code>。
gpu-reason-memory = 显卡的显存不够。
gpu-reason-other = 引擎没有启动，原因见日志和 <code>python -m bot doctor</code>。
