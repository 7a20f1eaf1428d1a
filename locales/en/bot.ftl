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
gpu-advice-hot = • The card is hot ({ QUOTE($celsius) } °C). Check its fans and the room.
gpu-advice-memory = • The card's memory is nearly full: { QUOTE($used) } of { QUOTE($total) } GiB. A smaller batch_limit in DIFFUSION__OVERRIDES or DIFFUSION__LAYOUT=union leaves more room.
gpu-advice-crowded = • The queue is long. A faster processor shortens it; smaller pictures do, too.
gpu-others = Other programs hold { QUOTE($size) } GiB
gpu-capability = Compute capability { QUOTE($version) }
gpu-more = …and { $count } more
gpu-profile = <b>Profile</b> { QUOTE($profile) } ({ $reason }), { $limit } at once
gpu-why-device = by the device's memory
gpu-why-setting = as set
gpu-why-eased = made more frugal after memory ran out
gpu-runs-on = Runs on { QUOTE($name) } ({ QUOTE($where) })
gpu-setup = { QUOTE($parts) }
gpu-plan-approximate = (approximate)
gpu-overrides = Set otherwise: { QUOTE($fields) }
gpu-torch-memory = Models and pictures take { QUOTE($used) } GiB, { QUOTE($total) } GiB are reserved
gpu-models = <b>Models in memory</b>
gpu-models-none = <b>Models in memory</b> none yet
gpu-model = { QUOTE($role) } { QUOTE($name) } · { QUOTE($took) } s · { QUOTE($size) } MiB
gpu-weights-complete = <b>Weights</b> complete
gpu-weights-missing = <b>Weights</b> missing: { QUOTE($roles) }
gpu-weights-damaged = <b>Weights</b> damaged: { QUOTE($roles) }
gpu-weights-downloading = <b>Weights</b> downloading, { QUOTE($done) } of { QUOTE($total) } GiB, { $percent }%
gpu-weights-listing = <b>Weights</b> downloading; asking the model hub how much there is to fetch
gpu-size = { QUOTE($what) }: { QUOTE($took) } s a picture, peak { QUOTE($peak) } GiB
gpu-warm-up = <b>Warm-up</b> { QUOTE($words) }
gpu-advice-stands-in = • The painter works instead of the diffusion engine: { $reason }
gpu-advice-again = • The diffusion engine is tried again in { $seconds } s.
gpu-advice-weights-missing = • Weights are missing ({ QUOTE($roles) }). Fetch them with <code>python -m bot models fetch</code>, or set GENERATION__DOWNLOAD=true.
gpu-advice-weights-damaged = • Weights are damaged ({ QUOTE($roles) }). Run <code>python -m bot models verify</code>, then <code>python -m bot models fetch</code>.
gpu-advice-download = • Weights are being downloaded: { QUOTE($done) } of { QUOTE($total) } GiB, { $percent }%. The painter works meanwhile.
gpu-advice-no-gpu = • The built-in painter works on the processor and needs no GPU. An NVIDIA card of 12 GB or more lets the diffusion engine paint.
gpu-advice-idle = • The card is not used. Set GENERATION__ENGINE=auto, install the extra <code>diffusion</code> and fetch the weights; <code>python -m bot doctor</code> tells what is missing.
gpu-advice-small = • { QUOTE($name) } has { QUOTE($size) } GiB, too little for the diffusion engine: it needs 12 GB or more. The painter works on the processor.
gpu-advice-throttled-heat = • The card slows itself down because it is too hot. Check its fans and the room.
gpu-advice-throttled-power = • The card slows itself down for lack of power. Check its power supply.
gpu-advice-others = • The card's memory is nearly full, and { QUOTE($size) } GiB of it are held by other programs. <code>nvidia-smi</code> names them.
gpu-advice-out-of-memory = { $count ->
    [one] • Memory ran out once; the picture was painted again with less.
   *[other] • Memory ran out { $count } times; smaller batches or smaller pictures help.
}
gpu-advice-eased = • Memory ran out, so the profile { QUOTE($profile) } was made more frugal. It is back after the models have been unloaded.
gpu-advice-beyond = • The settings ask more of the profile { QUOTE($profile) } than this card is expected to hold.
gpu-advice-larger-batch = • There is room: at most { QUOTE($peak) } GiB were needed. Try batch_limit { $limit } in DIFFUSION__OVERRIDES.
gpu-advice-attention = • Attention { QUOTE($wanted) } does not work here; { QUOTE($used) } is used.
gpu-advice-compile = • Compiling ({ QUOTE($wanted) }) failed; the engine runs { QUOTE($used) }. The log has the reason.
gpu-advice-leak = • Memory grew by { QUOTE($size) } MiB over the last { $count } batches. Restart the bot when convenient, and please report it.
gpu-reason-extra = the extra is not installed or does not import. Run <code>make run EXTRAS=diffusion</code>.
gpu-reason-cuda-build = the installed torch has no CUDA. Install the build for this GPU.
gpu-reason-driver = no NVIDIA driver answers. Install it, or give the container access to the GPU.
gpu-reason-old-driver = the NVIDIA driver is too old for the installed torch. Update it.
gpu-reason-device = the device in the settings is not there. Check DIFFUSION__DEVICE and CUDA_VISIBLE_DEVICES.
gpu-reason-small = the card has less than 12 GB. DIFFUSION__DEVICE=cuda tries it all the same.
gpu-reason-hub = the model hub does not answer. The download goes on where it stopped.
gpu-reason-licence = the model hub wants a login or an accepted licence. Accept it there and set HF_TOKEN.
gpu-reason-model = a model in the settings cannot be used. <code>python -m bot models list</code> names it.
gpu-reason-room = the disk is too small for the weights. Free some space or set DIFFUSION__CACHE_FOLDER.
gpu-reason-damaged = weights are damaged. Run <code>python -m bot models verify</code>.
gpu-reason-memory = the card's memory is not enough.
gpu-reason-other = it does not start; the log and <code>python -m bot doctor</code> tell why.
