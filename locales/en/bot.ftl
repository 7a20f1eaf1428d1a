### What the bot says outside an order: greetings, help, lists, the admin report.

language-name = English

bot-description =
    Send me a word you are learning, and I will paint what it means. The word itself becomes the picture: its strokes are the ridge, the river, the roof. You see the picture and remember the shape.

    Chinese, Japanese, Korean, Arabic, Russian, Hindi, Thai, English and many more. Five styles.
bot-short-description = Paints the meaning of a word out of the written word itself, so that you remember it.

command-write = Paint a word: /write 学习 study
command-help = How to ask
command-cancel = Stop a picture that is still on its way
command-language = The language I speak with you
command-about = What this is, and its licences
command-gpu = Engine, queue and device

start =
    👋 Hello! I paint words.

    Send me one you are learning, with its meaning if you like:
    <code>学习 - study</code>

    Pick a style, and a picture comes in which the word itself is the composition. /help tells the rest.
start-group =
    👋 Hello everyone! I paint words: <code>/write 学习 study</code>
    The one who asks picks the style.
help =
    <b>How to ask</b>
    <code>/write 学习 study</code>
    <code>学习 - study</code> (here in private, without a command)
    <code>/write "guten Tag" hello</code> (several words: in quotes)

    Between word and meaning: a space, or <code> - </code>, <code>=</code>, <code>|</code>, or a new line. The meaning may be left out; it stands under the picture and may set its scene.

    <b>Options</b>, anywhere in the message
    <code>style:ink</code> { QUOTE($styles) }
    <code>lang:ja</code> the word's language, when one script serves several
    <code>seed:7</code> the same number gives the same picture

    <b>Commands</b>
    /cancel stops what is on its way
    /language changes the language I speak
    /about says what this is
help-unknown = I do not know that command.
help-words-only = I paint words only for now. Send me one as text, for example <code>学习 - study</code>. More in /help.
help-prose = That is a little long for one picture. Send me a word, or a word and its meaning: <code>学习 - study</code>. Several words go in quotes. More in /help.
help-group = Write <code>/write 学习 study</code> and I will paint it.
help-anonymous = I cannot see who is asking, so nobody could press the buttons. Please ask as yourself, not as a group or a channel.

ask-word = Which word shall I paint? Send it, with its meaning if you like.
ask-word-placeholder = 学习 - study

about =
    <b>Wordbrush</b> { QUOTE($version) }
    Paints the meaning of a word with the written word itself as the composition.

    Free software under the Apache License 2.0.
    Typefaces: the bundled fonts are under the SIL Open Font License 1.1 (openfontlicense.org).
    Text direction: python-bidi, GNU LGPL 3 (github.com/MeirKriheli/python-bidi).
    Text shaping: HarfBuzz, MIT (harfbuzz.github.io).
    Chat: aiogram, MIT (aiogram.dev).

    I keep your Telegram number, your language and the words you send, so that pictures find their way. Nothing else.

language-question = Which language shall I speak with you? The words you study may be in any language.
language-chosen = I speak English now.
button-language-auto = As in Telegram

cancel-nothing = Nothing is on its way, so there is nothing to cancel.
cancel-done = Cancelled.
cancel-done-many = { $count ->
    [one] { $count } picture cancelled.
   *[other] { $count } pictures cancelled.
}
cancel-which = Which one shall I stop?
cancel-more = These are the newest; { $count ->
    [one] { $count } more is on its way.
   *[other] { $count } more are on their way.
}
button-cancel-all = ✖️ All of them

press-gone = I cannot find this picture any more. Send the word again.
press-not-yours = Only the one who asked may press this. Ask for a word of your own: /write
press-on-its-way = Already on its way.
press-finished = This picture is finished already.
press-cancelled = This one was cancelled. Send the word again.
press-failed = This one did not work out. Send the word again.
press-too-late = Too late to stop: the picture is being sent.
press-cancel-done = Cancelled.
press-accepted = On its way!
press-original = The original is coming.
press-original-again = The original is on its way or here already.
press-old = This button is from an older version. Send the word again, please.
press-not-ready = There is no picture here yet.

gpu-title = <b>Engine</b> { QUOTE($engine) } { QUOTE($version) }
gpu-queue = <b>Queue</b> { $waiting } waiting · { $running } painting
gpu-orders = <b>Orders</b> { QUOTE($counts) }
gpu-pictures = <b>Pictures kept</b> { QUOTE($pictures) } · { QUOTE($used) } of { QUOTE($budget) } GiB
gpu-database = <b>Learners</b> { QUOTE($learners) } · database { QUOTE($size) } MiB
gpu-device = <b>Device</b> { QUOTE($name) }
gpu-memory = Memory { QUOTE($used) } of { QUOTE($total) } GiB
gpu-temperature = Temperature { QUOTE($celsius) } °C
gpu-load = Load { QUOTE($percent) }%
gpu-power = Power { QUOTE($watts) } W
gpu-clock = Clock { QUOTE($megahertz) } MHz
gpu-driver = Driver { QUOTE($driver) }
gpu-none = <b>Device</b> no GPU found; painting on the processor ({ QUOTE($processor) }, { $cores ->
    [one] { $cores } core
   *[other] { $cores } cores
})
gpu-process = Process memory { QUOTE($used) } GiB of { QUOTE($total) } GiB
gpu-last = <b>Last pictures</b> { QUOTE($seconds) } s
gpu-last-none = <b>Last pictures</b> none since the start
gpu-advice-title = <b>Recommendations</b>
gpu-advice-none = • Nothing to change.
gpu-advice-no-gpu = • This version paints on the processor with its built-in painter and needs no GPU; adding one would change nothing yet. The diffusion engine, which will use NVIDIA cards of 12 GB or more, is not in this version. Until then a faster processor makes pictures faster.
gpu-advice-idle = • The card is not used: this version paints on the processor. The diffusion engine that will use cards of this size is not in this version.
gpu-advice-small = • The card is not used: this version paints on the processor. The diffusion engine, which is not in this version, will need 12 GB or more, and this card has less.
gpu-advice-hot = • The card is hot ({ QUOTE($celsius) } °C). Check its fans and the room.
gpu-advice-memory = • The card's memory is nearly full. Close other programs that use it.
gpu-advice-crowded = • The queue is long. A faster processor shortens it; smaller pictures do, too.
