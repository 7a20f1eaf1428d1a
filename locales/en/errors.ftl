### One message for every error of generation/contracts/errors.py. No tags here: alerts show these as plain text.

error-internal = Something went wrong on my side. Please try again in a little while.
error-reference = Something went wrong on my side. Please try again; if it stays so, tell the owner this code: { QUOTE($reference) }

error-word-refused = I cannot paint this word. Try another one, for example 学习.
error-word-empty = There is no word in that. Write one, for example: /write 学习 study
error-word-too-long = { $length ->
    [one] That is { $length } character
   *[other] That is { $length } characters
}, and one picture holds { $limit } at most. Try something shorter.
error-word-broken = The text is damaged at { QUOTE($code) }. Copy the word again, please.
error-word-control = There is an invisible control character ({ QUOTE($code) }) in the word. Type it once more without it.
error-word-bidi = There is an invisible direction mark ({ QUOTE($code) }) in the word. Type it once more without it.
error-word-stacked = { $limit ->
    [one] A letter carries more than { $limit } accent mark
   *[other] A letter carries more than { $limit } accent marks
}. I cannot paint such a stack.
error-word-emoji = Emoji are pictures already. Send me a word in letters or characters.
error-word-no-ink = There is nothing to draw: no letters and no characters. Send me a word.
error-word-missing-glyph = I have no font for “{ QUOTE($character) }” ({ QUOTE($code) } { QUOTE($name) }). Try it without this character.

error-request-refused = One of the options is not right. See /help.
error-style-unknown = I do not know the style “{ QUOTE($style) }”. There are: { QUOTE($known) }.
error-language-unknown = I do not know the language “{ QUOTE($language) }”. Give a code such as lang:ja or lang:zh-Hant.
error-kind-unknown = I do not know the control image “{ QUOTE($kind) }”. There are: { QUOTE($known) }.
error-method-unknown = For { QUOTE($kind) } I do not know the method “{ QUOTE($method) }”. There are: { QUOTE($known) }.
error-engine-unknown = I do not have the engine “{ QUOTE($engine) }”. There are: { QUOTE($known) }.
error-size = The size { QUOTE($width) }×{ QUOTE($height) } does not work: each side from { QUOTE($smallest) } to { QUOTE($largest) } pixels in steps of { QUOTE($step) }.
error-number = { QUOTE($option) }:{ QUOTE($value) } does not work: give a number from { QUOTE($smallest) } to { QUOTE($largest) }.
error-translation-too-long = { $length ->
    [one] The translation has { $length } character
   *[other] The translation has { $length } characters
}, and a caption holds { $limit } at most. Make it shorter, please.

error-queue-refused = There is no free place in the queue right now. Try again in a few minutes.
error-queue-full = It is crowded: { $limit ->
    [one] { $limit } word is waiting
   *[other] { $limit } words are waiting
}. Try again in a few minutes.
error-queue-yours-full = { $limit ->
    [one] One word of yours is waiting already
   *[other] { $limit } words of yours are waiting already
}. Let one finish, or /cancel one.
error-drafts-yours-full = { $limit } words of yours wait for a style. Choose one for them, or /cancel some.

error-painting = The picture did not work out. Please try again.
error-out-of-memory = There was not enough memory for this picture. Please try again in a little while.
error-engine-unavailable = I cannot paint just now. Please try again in a little while.
error-cancelled = Cancelled.
error-storage = I could not write that down. Please try again in a minute.
error-disk-full = My disk is full, so I cannot take new words just now. Please try again later.
error-dead = I tried this picture several times and it did not work. Try another style or another word.
error-delivery-refused = This chat does not let me send the picture. Allow me to send photos here, then try again.
