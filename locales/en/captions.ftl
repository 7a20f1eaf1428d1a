### The life of one order, from the style question to the picture. Telegram HTML; a learner's own text only through QUOTE.

order-word = <b>{ QUOTE($word) }</b>
order-meaning = { QUOTE($translation) }

order-ask-style = Which style shall I paint it in?

order-queued = { $style } · in the queue
order-waiting = { $style } · number { $place } in the queue
order-next = { $style } · next in line
order-eta-seconds = { $seconds ->
    [one] about { $seconds } second left
   *[other] about { $seconds } seconds left
}
order-eta-minutes = { $minutes ->
    [one] about a minute left
   *[other] about { $minutes } minutes left
}
order-painting = { $style } · painting
order-progress = { $bar } { $percent }%
order-delivering = { $style } · finished, on its way to you
order-finished = { $style } · seed <code>{ QUOTE($seed) }</code>
order-failed = 😔 { $reason }
order-cancelled = Cancelled.
order-resting = { $style } · Wordbrush is restarting. You keep your place, and the picture will come by itself.
order-ready = Your picture of <b>{ QUOTE($word) }</b> is ready ⬆️
order-unfinished = What you see is an unfinished preview.
order-substitute = <i>Painted by the quick painter this time: the large one is not at hand.</i>

button-style = { $emoji } { $style }
button-cancel = ✖️ Cancel
button-again = 🔄 Again
button-other-style = 🎨 Other style
button-original = 🖼 Original PNG
button-copy-seed = 📋 Copy seed
button-retry = 🔁 Try again
button-back = ⬅️ Back
