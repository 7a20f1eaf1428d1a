### По сообщению на каждую ошибку из generation/contracts/errors.py. Без тегов: во всплывающих окнах это простой текст.

error-internal = У меня что-то сломалось. Попробуйте ещё раз чуть позже.
error-reference = У меня что-то сломалось. Попробуйте ещё раз, а если не поможет, передайте владельцу этот код: { QUOTE($reference) }

error-word-refused = Это слово нарисовать не получится. Попробуйте другое, например 学习.
error-word-empty = Здесь нет слова. Напишите его, например: /write 学习 учиться
error-word-too-long = { $length ->
    [one] Здесь { $length } знак
    [few] Здесь { $length } знака
    [many] Здесь { $length } знаков
   *[other] Здесь { $length } знака
}, а на картинке помещается не больше { $limit }. Попробуйте покороче.
error-word-broken = Текст повреждён в месте { QUOTE($code) }. Скопируйте слово ещё раз.
error-word-control = В слове есть невидимый управляющий символ ({ QUOTE($code) }). Наберите слово без него.
error-word-bidi = В слове есть невидимый знак направления письма ({ QUOTE($code) }). Наберите слово без него.
error-word-stacked = На одной букве слишком много надстрочных и подстрочных знаков (больше { $limit }). Такое нарисовать не получится.
error-word-emoji = Эмодзи — это уже картинки. Пришлите слово буквами или иероглифами.
error-word-no-ink = Рисовать нечего: нет ни букв, ни иероглифов. Пришлите слово.
error-word-missing-glyph = У меня нет шрифта для знака «{ QUOTE($character) }» ({ QUOTE($code) } { QUOTE($name) }). Попробуйте без него.

error-request-refused = Один из параметров указан неверно. Подсказка: /help.
error-style-unknown = Я не знаю стиль «{ QUOTE($style) }». Есть такие: { QUOTE($known) }.
error-language-unknown = Я не знаю язык «{ QUOTE($language) }». Укажите код, например lang:ja или lang:zh-Hant.
error-kind-unknown = Я не знаю управляющее изображение «{ QUOTE($kind) }». Есть такие: { QUOTE($known) }.
error-method-unknown = Для { QUOTE($kind) } я не знаю метод «{ QUOTE($method) }». Есть такие: { QUOTE($known) }.
error-engine-unknown = У меня нет движка «{ QUOTE($engine) }». Есть такие: { QUOTE($known) }.
error-size = Размер { QUOTE($width) }×{ QUOTE($height) } не подходит: каждая сторона от { QUOTE($smallest) } до { QUOTE($largest) } пикселей с шагом { QUOTE($step) }.
error-number = { QUOTE($option) }:{ QUOTE($value) } не подходит: нужно число от { QUOTE($smallest) } до { QUOTE($largest) }.
error-translation-too-long = { $length ->
    [one] В переводе { $length } знак
    [few] В переводе { $length } знака
    [many] В переводе { $length } знаков
   *[other] В переводе { $length } знака
}, а в подпись помещается не больше { $limit }. Сократите его.

error-queue-refused = В очереди сейчас нет места. Попробуйте через несколько минут.
error-queue-full = Сейчас много желающих: { $limit ->
    [one] в очереди { $limit } слово
    [few] в очереди { $limit } слова
    [many] в очереди { $limit } слов
   *[other] в очереди { $limit } слова
}. Попробуйте через несколько минут.
error-queue-yours-full = { $limit ->
    [one] В очереди уже { $limit } ваше слово
    [few] В очереди уже { $limit } ваших слова
    [many] В очереди уже { $limit } ваших слов
   *[other] В очереди уже { $limit } ваших слова
}. Дождитесь картинки или отмените заказ: /cancel.
error-drafts-yours-full = Ваших слов без стиля уже { $limit }. Выберите для них стиль или отмените лишние: /cancel.

error-painting = Картинка не получилась. Попробуйте ещё раз.
error-out-of-memory = Для этой картинки не хватило памяти. Попробуйте чуть позже.
error-engine-unavailable = Сейчас рисовать не получается. Попробуйте чуть позже.
error-cancelled = Отменено.
error-storage = Не удалось сохранить ваш запрос. Попробуйте ещё раз через минуту.
error-disk-full = На диске кончилось место, и новые слова пока не принимаются. Попробуйте позже.
error-dead = Картинка не получилась с нескольких попыток. Попробуйте другой стиль или другое слово.
error-delivery-refused = Этот чат не принимает картинку. Разрешите мне присылать сюда фото и попробуйте ещё раз.
