### Что бот говорит вне заказа: приветствие, помощь, списки, отчёт администратору.

language-name = Русский

bot-description =
    Пришлите слово, которое учите, и я нарисую, что оно значит. Само слово станет картиной: его черты — горный хребет, река, крыша. Увидели картинку — запомнили облик слова.

    Китайский, японский, корейский, арабский, русский, хинди, тайский, английский и многие другие. Пять стилей.
bot-short-description = Рисует смысл слова из самого написанного слова, чтобы оно запомнилось.

command-write = Нарисовать слово: /write 学习 учиться
command-help = Как попросить картинку
command-cancel = Остановить картинку, которая ещё в работе
command-language = На каком языке с вами говорить
command-about = Что это такое и какие лицензии
command-gpu = Движок, очередь и устройство

start =
    👋 Здравствуйте! Я рисую слова.

    Пришлите слово, которое учите, и, если хотите, его значение:
    <code>学习 - учиться</code>

    Выберите стиль, и придёт картинка, композицией которой станет само слово. Остальное расскажет /help.
start-group =
    👋 Всем привет! Я рисую слова: <code>/write 学习 учиться</code>
    Стиль выбирает тот, кто попросил.
help =
    <b>Как попросить картинку</b>
    <code>/write 学习 учиться</code>
    <code>学习 - учиться</code> (в личном чате можно и без команды)
    <code>/write "guten Tag" добрый день</code> (несколько слов — в кавычках)

    Между словом и значением — пробел, <code> - </code>, <code>=</code>, <code>|</code> или новая строка. Значение можно не писать: оно стоит под картинкой и иногда подсказывает сюжет.

    <b>Параметры</b>, в любом месте сообщения
    <code>style:ink</code> { QUOTE($styles) }
    <code>lang:ja</code> язык слова, если одно письмо служит нескольким
    <code>seed:7</code> одно и то же число даёт одну и ту же картинку

    <b>Команды</b>
    /cancel останавливает то, что ещё в работе
    /language меняет язык, на котором я говорю
    /about рассказывает, что это такое
help-unknown = Такой команды я не знаю.
help-words-only = Пока я рисую только слова. Пришлите слово текстом, например <code>学习 - учиться</code>. Подробнее: /help.
help-prose = Для одной картинки это длинновато. Пришлите слово или слово со значением: <code>学习 - учиться</code>. Несколько слов возьмите в кавычки. Подробнее: /help.
help-group = Напишите <code>/write 学习 учиться</code>, и я нарисую.
help-anonymous = Мне не видно, кто просит, и кнопки никто не сможет нажать. Напишите от своего имени, а не от имени группы или канала.

ask-word = Какое слово нарисовать? Пришлите его и, если хотите, значение.
ask-word-placeholder = 学习 - учиться

about =
    <b>Wordbrush</b> { QUOTE($version) }
    Рисует смысл слова так, что само написанное слово становится композицией.

    Свободная программа под лицензией Apache 2.0.
    Шрифты: набор в комплекте — под лицензией SIL Open Font License 1.1 (openfontlicense.org).
    Направление письма: python-bidi, GNU LGPL 3 (github.com/MeirKriheli/python-bidi).
    Вёрстка письма: HarfBuzz, MIT (harfbuzz.github.io).
    Чат: aiogram, MIT (aiogram.dev).

    Я храню ваш номер в Telegram, язык и присланные слова, чтобы картинки нашли дорогу. Больше ничего.

language-question = На каком языке мне с вами говорить? Учить можно слова любого языка.
language-chosen = Теперь я говорю по-русски.
button-language-auto = Как в Telegram

cancel-nothing = Сейчас ничего не рисуется, отменять нечего.
cancel-done = Отменено.
cancel-done-many = { $count ->
    [one] Отменена { $count } картинка.
    [few] Отменены { $count } картинки.
    [many] Отменено { $count } картинок.
   *[other] Отменено { $count } картинки.
}
cancel-which = Какую остановить?
cancel-more = Это самые новые; { $count ->
    [one] ещё { $count } картинка в работе.
    [few] ещё { $count } картинки в работе.
   *[other] ещё { $count } картинок в работе.
}
button-cancel-all = ✖️ Все

press-gone = Этой картинки я больше не нахожу. Пришлите слово ещё раз.
press-not-yours = Эту кнопку может нажать только тот, кто попросил. Попросите своё слово: /write
press-on-its-way = Уже в работе.
press-finished = Эта картинка уже готова.
press-cancelled = Этот заказ отменён. Пришлите слово ещё раз.
press-failed = Эта картинка не получилась. Пришлите слово ещё раз.
press-too-late = Останавливать поздно: картинка уже отправляется.
press-cancel-done = Отменено.
press-accepted = Рисую!
press-original = Отправляю исходный файл.
press-original-again = Исходный файл уже здесь или вот-вот придёт.
press-old = Эта кнопка осталась от старой версии. Пришлите слово ещё раз.
press-not-ready = Картинки здесь ещё нет.

gpu-title = <b>Движок</b> { QUOTE($engine) } { QUOTE($version) }
gpu-queue = <b>Очередь</b> ждут: { $waiting } · рисуются: { $running }
gpu-orders = <b>Заказы</b> { QUOTE($counts) }
gpu-pictures = <b>Картинок сохранено</b> { QUOTE($pictures) } · { QUOTE($used) } из { QUOTE($budget) } ГиБ
gpu-database = <b>Учеников</b> { QUOTE($learners) } · база данных { QUOTE($size) } МиБ
gpu-device = <b>Устройство</b> { QUOTE($name) }
gpu-memory = Память { QUOTE($used) } из { QUOTE($total) } ГиБ
gpu-temperature = Температура { QUOTE($celsius) } °C
gpu-load = Загрузка { QUOTE($percent) } %
gpu-power = Мощность { QUOTE($watts) } Вт
gpu-clock = Частота { QUOTE($megahertz) } МГц
gpu-driver = Драйвер { QUOTE($driver) }
gpu-none = <b>Устройство</b> видеокарта не найдена, рисует процессор ({ QUOTE($processor) }, { $cores ->
    [one] { $cores } ядро
    [few] { $cores } ядра
    [many] { $cores } ядер
   *[other] { $cores } ядра
})
gpu-process = Память процесса { QUOTE($used) } ГиБ из { QUOTE($total) } ГиБ
gpu-last = <b>Последние картинки</b> { QUOTE($seconds) } с
gpu-last-none = <b>Последние картинки</b> с запуска ещё не было
gpu-advice-title = <b>Рекомендации</b>
gpu-advice-none = • Менять ничего не нужно.
gpu-advice-hot = • Карта горячая ({ QUOTE($celsius) } °C). Проверьте вентиляторы и помещение.
gpu-advice-memory = • Память карты почти заполнена: { QUOTE($used) } из { QUOTE($total) } ГиБ. Больше места оставят меньший batch_limit в DIFFUSION__OVERRIDES или DIFFUSION__LAYOUT=union.
gpu-advice-crowded = • Очередь длинная. Её сократят более быстрый процессор или картинки меньшего размера.
gpu-others = Другие программы занимают { QUOTE($size) } ГиБ
gpu-capability = Вычислительная версия { QUOTE($version) }
gpu-more = …и ещё { $count }
gpu-profile = <b>Профиль</b> { QUOTE($profile) } ({ $reason }), до { $limit } за раз
gpu-why-device = по памяти устройства
gpu-why-setting = задан в настройках
gpu-why-eased = сделан экономнее, когда памяти не хватило
gpu-runs-on = Работает на { QUOTE($name) } ({ QUOTE($where) })
gpu-setup = { QUOTE($parts) }
gpu-plan-approximate = (приближённо)
gpu-overrides = Изменено в настройках: { QUOTE($fields) }
gpu-torch-memory = Модели и картинки занимают { QUOTE($used) } ГиБ, выделено { QUOTE($total) } ГиБ
gpu-models = <b>Модели в памяти</b>
gpu-models-none = <b>Модели в памяти</b> пока нет
gpu-model = { QUOTE($role) } { QUOTE($name) } · { QUOTE($took) } с · { QUOTE($size) } МиБ
gpu-weights-complete = <b>Веса</b> на месте
gpu-weights-missing = <b>Веса</b> не хватает: { QUOTE($roles) }
gpu-weights-damaged = <b>Веса</b> повреждены: { QUOTE($roles) }
gpu-weights-downloading = <b>Веса</b> загружаются, { QUOTE($done) } из { QUOTE($total) } ГиБ, { $percent } %
gpu-weights-listing = <b>Веса</b> загружаются; хранилище моделей ещё не ответило, сколько их
gpu-size = { QUOTE($what) }: { QUOTE($took) } с на картинку, пик { QUOTE($peak) } ГиБ
gpu-warm-up = <b>Прогрев</b> { QUOTE($words) }
gpu-advice-stands-in = • Вместо движка «diffusion» рисует встроенный художник: { $reason }
gpu-advice-again = • Движок «diffusion» попробует снова через { $seconds } с.
gpu-advice-weights-missing = • Не хватает весов ({ QUOTE($roles) }). Загрузите их командой <code>python -m bot models fetch</code> или задайте GENERATION__DOWNLOAD=true.
gpu-advice-weights-damaged = • Веса повреждены ({ QUOTE($roles) }). Запустите <code>python -m bot models verify</code>, затем <code>python -m bot models fetch</code>.
gpu-advice-download = • Веса загружаются: { QUOTE($done) } из { QUOTE($total) } ГиБ, { $percent } %. Пока рисует встроенный художник.
gpu-advice-no-gpu = • Встроенный художник рисует на процессоре, видеокарта ему не нужна. С картой NVIDIA от 12 ГБ сможет рисовать движок «diffusion».
gpu-advice-idle = • Видеокарта не используется. Задайте GENERATION__ENGINE=auto, установите дополнение <code>diffusion</code> и загрузите веса; чего не хватает, покажет <code>python -m bot doctor</code>.
gpu-advice-small = • На карте { QUOTE($name) } { QUOTE($size) } ГиБ: движку «diffusion» этого мало, нужно от 12 ГБ. Рисует процессор.
gpu-advice-throttled-heat = • Карта снижает скорость из-за перегрева. Проверьте вентиляторы и помещение.
gpu-advice-throttled-power = • Карта снижает скорость из-за нехватки питания. Проверьте блок питания.
gpu-advice-others = • Память карты почти заполнена, { QUOTE($size) } ГиБ занимают другие программы. Их покажет <code>nvidia-smi</code>.
gpu-advice-out-of-memory = { $count ->
    [one] • Памяти не хватило { $count } раз; картинка нарисована заново экономнее.
    [few] • Памяти не хватило { $count } раза; помогут меньшие пачки или картинки меньшего размера.
    [many] • Памяти не хватило { $count } раз; помогут меньшие пачки или картинки меньшего размера.
   *[other] • Памяти не хватило { $count } раза; помогут меньшие пачки или картинки меньшего размера.
}
gpu-advice-eased = • Памяти не хватило, и профиль { QUOTE($profile) } сделан экономнее. Прежний вернётся после выгрузки моделей.
gpu-advice-beyond = • Настройки требуют от профиля { QUOTE($profile) } больше, чем рассчитана вместить эта карта.
gpu-advice-larger-batch = • Запас есть: понадобилось не больше { QUOTE($peak) } ГиБ. Попробуйте batch_limit { $limit } в DIFFUSION__OVERRIDES.
gpu-advice-attention = • Внимание { QUOTE($wanted) } здесь не работает, используется { QUOTE($used) }.
gpu-advice-compile = • Компиляция ({ QUOTE($wanted) }) не удалась, движок работает как { QUOTE($used) }. Причина в журнале.
gpu-advice-leak = • Память выросла на { QUOTE($size) } МиБ, пачек за это время: { $count }. При случае перезапустите бота и сообщите об этом.
gpu-reason-extra = дополнение не установлено или не загружается. Запустите <code>make run EXTRAS=diffusion</code>.
gpu-reason-cuda-build = установленный torch собран без CUDA. Поставьте сборку для этой карты.
gpu-reason-driver = драйвер NVIDIA не отвечает. Установите его или откройте контейнеру доступ к карте.
gpu-reason-old-driver = драйвер NVIDIA слишком стар для установленного torch. Обновите его.
gpu-reason-device = устройства из настроек здесь нет. Проверьте DIFFUSION__DEVICE и CUDA_VISIBLE_DEVICES.
gpu-reason-small = на карте меньше 12 ГБ. Всё равно попробовать можно с DIFFUSION__DEVICE=cuda.
gpu-reason-hub = хранилище моделей не отвечает. Загрузка продолжится с места остановки.
gpu-reason-licence = хранилище моделей требует входа или принятой лицензии. Примите её там и задайте HF_TOKEN.
gpu-reason-model = модель из настроек не подходит. Какая, покажет <code>python -m bot models list</code>.
gpu-reason-room = на диске мало места для весов. Освободите его или задайте DIFFUSION__CACHE_FOLDER.
gpu-reason-damaged = веса повреждены. Запустите <code>python -m bot models verify</code>.
gpu-reason-memory = памяти карты не хватает.
gpu-reason-other = он не запускается; причину назовут журнал и <code>python -m bot doctor</code>.
