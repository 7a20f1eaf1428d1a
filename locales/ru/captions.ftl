### Жизнь одного заказа: от вопроса о стиле до картинки. HTML Telegram; текст ученика — только через QUOTE.

order-word = <b>{ QUOTE($word) }</b>
order-meaning = { QUOTE($translation) }

order-ask-style = В каком стиле нарисовать?

order-queued = { $style } · в очереди
order-waiting = { $style } · { $place }-е место в очереди
order-next = { $style } · следующий в очереди
order-eta-seconds = { $seconds ->
    [one] ещё около { $seconds } секунды
    [few] ещё около { $seconds } секунд
    [many] ещё около { $seconds } секунд
   *[other] ещё около { $seconds } секунды
}
order-eta-minutes = { $minutes ->
    [1] ещё около минуты
    [one] ещё около { $minutes } минуты
    [few] ещё около { $minutes } минут
    [many] ещё около { $minutes } минут
   *[other] ещё около { $minutes } минуты
}
order-painting = { $style } · рисую
order-progress = { $bar } { $percent } %
order-delivering = { $style } · готово, отправляю
order-finished = { $style } · сид <code>{ QUOTE($seed) }</code>
order-failed = 😔 { $reason }
order-cancelled = Отменено.
order-resting = { $style } · Wordbrush перезапускается. Место в очереди за вами, картинка придёт сама.
order-ready = Картинка со словом <b>{ QUOTE($word) }</b> готова ⬆️
order-unfinished = На картинке незаконченный набросок.
order-substitute = <i>На этот раз рисовал быстрый художник: большой сейчас недоступен.</i>

button-style = { $emoji } { $style }
button-cancel = ✖️ Отменить
button-again = 🔄 Ещё раз
button-other-style = 🎨 Другой стиль
button-original = 🖼 Исходный PNG
button-copy-seed = 📋 Скопировать сид
button-retry = 🔁 Повторить
button-back = ⬅️ Назад
