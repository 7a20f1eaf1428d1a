### 一个订单的一生：从选风格到收到图片。Telegram HTML；用户的文字一律经过 QUOTE。

order-word = <b>{ QUOTE($word) }</b>
order-meaning = { QUOTE($translation) }

order-ask-style = 想要哪种风格？

order-queued = { $style } · 排队中
order-waiting = { $style } · 排在第 { $place } 位
order-next = { $style } · 马上轮到你
order-eta-seconds = 大约还需 { $seconds } 秒
order-eta-minutes = 大约还需 { $minutes } 分钟
order-painting = { $style } · 正在绘制
order-progress = { $bar } { $percent }%
order-delivering = { $style } · 画好了，正在发送
order-finished = { $style } · 种子 <code>{ QUOTE($seed) }</code>
order-failed = 😔 { $reason }
order-cancelled = 已取消。
order-resting = { $style } · Wordbrush 正在重启。你的位置会保留，图片画好后会自动送达。
order-ready = <b>{ QUOTE($word) }</b> 的图片画好了 ⬆️
order-unfinished = 上图只是未完成的预览。
order-substitute = <i>大画师暂时不在，这张由快速画师代笔。</i>

button-style = { $emoji } { $style }
button-cancel = ✖️ 取消
button-again = 🔄 再画一张
button-other-style = 🎨 换个风格
button-original = 🖼 PNG 原图
button-copy-seed = 📋 复制种子
button-retry = 🔁 重试
button-back = ⬅️ 返回
