"""The one error tree.

    WordbrushError
    ├── WordRefused              what the learner wrote cannot be painted; they can mend it
    │   ├── EmptyWord
    │   ├── WordTooLong              limit, length
    │   ├── BrokenText               lone surrogates, unassigned or private code points
    │   ├── ControlCharacters        code
    │   ├── BidiControls             code
    │   ├── StackedMarks             limit
    │   ├── EmojiOnly
    │   ├── NothingToDraw            only spaces and punctuation that leave no ink
    │   └── MissingGlyph             character, code, name
    ├── RequestRefused           an option beside the word is wrong
    │   ├── UnknownStyle             style, known
    │   ├── UnknownLanguage          language
    │   ├── UnknownKind              kind, known
    │   ├── UnknownMethod            kind, method, known
    │   ├── UnknownEngine            engine, known
    │   ├── BadSize                  width, height, smallest, largest, step
    │   ├── BadNumber                option, value, smallest, largest
    │   └── TranslationTooLong       limit, length
    ├── QueueRefused             the house is full for now; asking again later helps
    │   ├── QueueFull                limit
    │   ├── TooManyOrders            limit
    │   └── TooManyDrafts            limit
    ├── EngineError              painting failed
    │   ├── PaintingFailed           reference (log id)
    │   ├── OutOfMemory
    │   ├── EngineUnavailable        engine, reason
    │   │   ├── WeightsMissing           models
    │   │   ├── HubUnreachable           url
    │   │   ├── HubRefused               model, status
    │   │   ├── HubBusy                  model, status
    │   │   ├── ModelNotFound            model, revision
    │   │   │   └── FolderIncomplete     model, lack
    │   │   ├── DownloadBroken           model, file
    │   │   ├── DownloadStalled          model, file, seconds
    │   │   ├── NoRoomForWeights         path, needed_mib, free_mib
    │   │   ├── WeightsDamaged           model, file
    │   │   ├── UnsafeWeights            model, file
    │   │   ├── WrongArchitecture        model, expected, found
    │   │   └── NoSuitableDevice         device, reason
    │   └── PaintingCancelled        stopped because nobody waits for it any more
    ├── StorageError             the rows or the files are in trouble
    │   ├── DiskFull
    │   ├── DatabaseBusy
    │   ├── DatabaseCorrupt          path
    │   ├── FileDamaged              sha256
    │   ├── WrongDatabase            revision, path
    │   └── CannotWrite              path, reason
    ├── DeliveryRefused          the chat will not take the picture
    ├── DeadOrder                three attempts were not enough
    └── OperatorError            configuration and start-up; one line, and the process exits
        ├── BadSettings              detail
        ├── DataFolderBusy           path
        ├── TokenRefused
        ├── AnotherInstance
        ├── BotServerUnreachable     url
        ├── AddressInUse             host, port
        ├── UnsafeAddress            host
        └── DidNotStart              reason

Each class names the Fluent message a learner hears (`message_key`) and whether doing the same again may succeed
(`retryable`). `details` are the message's arguments. `str(error)` is for logs and terminals; no chat ever sees it.
"""

from __future__ import annotations

from typing import ClassVar

Detail = str | int


class WordbrushError(Exception):
    """Any failure that is ours to explain.

    Args:
        **details: arguments of the learner's message; text and integers only, so that they survive a database row.
    """

    message_key: ClassVar[str] = "error-internal"
    retryable: ClassVar[bool] = False
    summary: ClassVar[str] = "something went wrong inside"

    def __init__(self, **details: Detail) -> None:
        super().__init__(details)
        self.details: dict[str, Detail] = details

    def __str__(self) -> str:
        """One English line for a terminal or a log."""
        return self.summary.format_map(_Lenient(self.details))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by details: keyword-only constructors need help to cross a process."""
        return _rebuild, (type(self), self.details)


class _Lenient(dict[str, Detail]):
    """A format map that leaves unknown fields readable instead of raising inside an error's text."""

    def __missing__(self, key: str) -> str:
        return f"?{key}?"


def _rebuild(kind: type[WordbrushError], details: dict[str, Detail]) -> WordbrushError:
    return kind(**details)


class WordRefused(WordbrushError):
    """The word itself cannot be painted as written."""

    message_key = "error-word-refused"
    summary = "this word cannot be painted"


class EmptyWord(WordRefused):
    """Nothing but white space was given."""

    message_key = "error-word-empty"
    summary = "the word is empty: write one, for example 学习"


class WordTooLong(WordRefused):
    """More graphemes (or code points) than a picture can hold, counted after normalising."""

    message_key = "error-word-too-long"
    summary = "the word has {length} characters, at most {limit} fit one picture"


class BrokenText(WordRefused):
    """Lone surrogates, unassigned or private-use code points."""

    message_key = "error-word-broken"
    summary = "the text is damaged at {code}: copy the word again"


class ControlCharacters(WordRefused):
    """A control character inside the word."""

    message_key = "error-word-control"
    summary = "the word contains the control character {code}: remove it"


class BidiControls(WordRefused):
    """Overrides, embeddings or isolates that would reorder what the reader sees."""

    message_key = "error-word-bidi"
    summary = "the word contains the direction override {code}: remove it"


class StackedMarks(WordRefused):
    """More combining marks on one letter than any orthography uses ("zalgo")."""

    message_key = "error-word-stacked"
    summary = "a letter carries more than {limit} combining marks: remove some"


class EmojiOnly(WordRefused):
    """Only emoji: there is no writing to learn."""

    message_key = "error-word-emoji"
    summary = "only emoji: send a word in letters or characters"


class NothingToDraw(WordRefused):
    """The word leaves no ink: punctuation, spaces or invisible characters only."""

    message_key = "error-word-no-ink"
    summary = "the word has no letters or characters to draw"


class MissingGlyph(WordRefused):
    """No installed font has a shape for a character; `code` is `U+XXXX`, `name` its Unicode name."""

    message_key = "error-word-missing-glyph"
    summary = "no font has {character} ({code} {name}): put one into the fonts folder"


class RequestRefused(WordbrushError):
    """An option beside the word is not one we know."""

    message_key = "error-request-refused"
    summary = "an option is wrong"


class UnknownStyle(RequestRefused):
    """A style that is not in the list."""

    message_key = "error-style-unknown"
    summary = "no style {style}: choose one of {known}"


class UnknownLanguage(RequestRefused):
    """Not a BCP 47 tag or a name we know."""

    message_key = "error-language-unknown"
    summary = "no language {language}: give a code such as ja or zh-Hant"


class UnknownKind(RequestRefused):
    """Not one of the four kinds of control image."""

    message_key = "error-kind-unknown"
    summary = "no kind of control image {kind}: choose one of {known}"


class UnknownMethod(RequestRefused):
    """A conditioning method that is not registered for its kind."""

    message_key = "error-method-unknown"
    summary = "no {kind} method {method}: choose one of {known}"


class UnknownEngine(RequestRefused):
    """An engine that is not in this installation."""

    message_key = "error-engine-unknown"
    summary = "no engine {engine} here: choose one of {known}"


class BadSize(RequestRefused):
    """A picture size outside the allowed grid."""

    message_key = "error-size"
    summary = "size {width}x{height}: each side must be {smallest} to {largest} in steps of {step}"


class BadNumber(RequestRefused):
    """A numeric option outside its range."""

    message_key = "error-number"
    summary = "{option} is {value}: it must be a number from {smallest} to {largest}"


class TranslationTooLong(RequestRefused):
    """The translation would not fit a caption."""

    message_key = "error-translation-too-long"
    summary = "the translation has {length} characters, at most {limit} are kept"


class QueueRefused(WordbrushError):
    """No place in the queue right now."""

    message_key = "error-queue-refused"
    retryable = True
    summary = "the queue has no place right now"


class QueueFull(QueueRefused):
    """The whole queue is at its limit."""

    message_key = "error-queue-full"
    summary = "the queue is full ({limit} words wait): try again in a few minutes"


class TooManyOrders(QueueRefused):
    """This learner already has as many waiting orders as allowed."""

    message_key = "error-queue-yours-full"
    summary = "{limit} words of yours wait already: let one finish or cancel one"


class TooManyDrafts(QueueRefused):
    """This learner already has as many fresh words without a style as allowed."""

    message_key = "error-drafts-yours-full"
    summary = "{limit} words of yours wait for a style: choose one for them or cancel some"


class EngineError(WordbrushError):
    """Painting failed."""

    message_key = "error-painting"
    retryable = True
    summary = "the picture could not be painted"


class PaintingFailed(EngineError):
    """An engine raised something it should not have; `reference` finds it in the log."""

    message_key = "error-painting"
    summary = "painting failed (log reference {reference})"


class OutOfMemory(EngineError):
    """Not enough memory for this picture."""

    message_key = "error-out-of-memory"
    summary = "not enough memory for this picture: try a smaller size"


class EngineUnavailable(EngineError):
    """An engine cannot run on this machine now."""

    message_key = "error-engine-unavailable"
    summary = "the {engine} engine is not available: {reason}"


class WeightsMissing(EngineUnavailable):
    """Model weights are not (completely) on disk and may not be downloaded now."""

    summary = "model weights are missing ({models}): run `python -m bot models fetch`"


class HubUnreachable(EngineUnavailable):
    """No answer from the model hub: no network, no name, no connection, or a broken TLS handshake."""

    summary = "cannot reach the model hub at {url}: check the network, a proxy (HTTPS_PROXY) or HF_ENDPOINT"


class HubRefused(EngineUnavailable):
    """The hub wants a login or an accepted licence (401, 403)."""

    summary = "the hub refused {model} ({status}): accept its licence on its page, then set HF_TOKEN"


class HubBusy(EngineUnavailable):
    """The hub answers with an error of its own or asks for patience (429, 5xx)."""

    summary = "the hub cannot give {model} right now ({status}): the download goes on later where it stopped"


class ModelNotFound(EngineUnavailable):
    """The hub or the folder does not have this model, revision or variant (404)."""

    summary = "there is no {model} at revision {revision}: check its id, revision and variant in the settings"


class FolderIncomplete(ModelNotFound):
    """A model folder of the operator's own lacks what is needed; no download can mend that."""

    summary = "the model folder {model} {lack}: complete it, or name another folder, file or model in the settings"


class DownloadBroken(EngineUnavailable):
    """A file ended before its announced size."""

    summary = "the download of {file} from {model} broke off: run `python -m bot models fetch` again, it resumes"


class DownloadStalled(EngineUnavailable):
    """Nothing arrived for a while."""

    summary = "the download of {file} from {model} stood still for {seconds} s: run `python -m bot models fetch` again"


class NoRoomForWeights(EngineUnavailable):
    """The disk that holds the model cache is too small for what is missing."""

    summary = "no room for the weights in {path}: {needed_mib} MiB needed, {free_mib} MiB free"


class WeightsDamaged(EngineUnavailable):
    """A weight file is not the one `models.lock` names, or its hash is not the hub's."""

    summary = "{file} of {model} is damaged or was exchanged: run `python -m bot models verify`, then `models fetch`"


class UnsafeWeights(EngineUnavailable):
    """Only a pickle is offered where safetensors are required: loading it would run its author's code."""

    summary = "{model} offers {file}, a pickle, which may run code: choose a model with safetensors"


class WrongArchitecture(EngineUnavailable):
    """The weights are of another kind of model than the setting needs."""

    summary = "{model} is not what is needed here: expected {expected}, found {found}"


class NoSuitableDevice(EngineUnavailable):
    """No device that can run the diffusion engine, or the one asked for is not there."""

    summary = "no device for the diffusion engine ({device}): {reason}"


class PaintingCancelled(EngineError):
    """Stopped because every order waiting for it was cancelled."""

    message_key = "error-cancelled"
    retryable = False
    summary = "cancelled"


class StorageError(WordbrushError):
    """The database or the picture files are in trouble."""

    message_key = "error-storage"
    retryable = True
    summary = "the data folder is in trouble"


class DiskFull(StorageError):
    """No room left on the device that holds the data folder."""

    message_key = "error-disk-full"
    summary = "the disk that holds the data folder is full: free some space"


class DatabaseBusy(StorageError):
    """Another writer held the database longer than the busy timeout."""

    message_key = "error-storage"
    summary = "the database is busy"


class DatabaseCorrupt(StorageError):
    """SQLite's integrity check failed; the file is kept as it is."""

    message_key = "error-storage"
    retryable = False
    summary = "the database {path} is damaged and was left untouched: restore a backup (see docs/architecture.md)"


class FileDamaged(StorageError):
    """A picture file is missing or its bytes do not match their hash."""

    message_key = "error-storage"
    summary = "the picture file {sha256} is missing or damaged"


class WrongDatabase(StorageError):
    """The database was made by a newer version of Wordbrush."""

    message_key = "error-storage"
    retryable = False
    summary = "the database {path} has revision {revision}, made by a newer Wordbrush: install that version"


class CannotWrite(StorageError):
    """A file an operator asked for cannot be written."""

    message_key = "error-storage"
    retryable = False
    summary = "cannot write {path}: {reason}"


class DeliveryRefused(WordbrushError):
    """The chat will not take the picture, for example a group where the bot may not send photos."""

    message_key = "error-delivery-refused"
    retryable = True
    summary = "the chat does not accept the picture"


class DeadOrder(WordbrushError):
    """The order took the process down too often and is not tried again."""

    message_key = "error-dead"
    summary = "given up after {attempts} attempts"


class OperatorError(WordbrushError):
    """Start-up and configuration: one clear line, then the process exits."""

    summary = "Wordbrush cannot start"


class BadSettings(OperatorError):
    """A setting has a value that cannot work."""

    summary = "settings: {detail}"


class DataFolderBusy(OperatorError):
    """Another process holds the data folder's lock."""

    summary = "another Wordbrush already uses {path}: stop it, or set STORAGE__FOLDER to another folder"


class TokenRefused(OperatorError):
    """Telegram does not know the token."""

    summary = "Telegram refused BOT_TOKEN: copy it again from @BotFather"


class AnotherInstance(OperatorError):
    """A second process polls with the same token."""

    summary = "another process is polling with this BOT_TOKEN: stop it, only one may run"


class BotServerUnreachable(OperatorError):
    """The Bot API server does not answer at start."""

    summary = "cannot reach the Bot API server at {url}: check the network or BOT_API_URL"


class AddressInUse(OperatorError):
    """The playground's port is taken."""

    summary = "port {port} on {host} is taken: choose another with PLAYGROUND__PORT or --port"


class UnsafeAddress(OperatorError):
    """The playground was asked to listen beyond this machine."""

    summary = "{host} can be reached by others: if you mean it, `python -m bot playground --expose`"


class DidNotStart(OperatorError):
    """A bot that was started to be measured never answered."""

    summary = "the bot did not start ({reason}): run `python -m bot` to see why"
