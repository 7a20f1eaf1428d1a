"""The chat page, driven as a person would: in a real browser, against the real playground, with a bot the test plays."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

ME = 1001
STYLES = {
    "inline_keyboard": [
        [{"text": "Ink", "callback_data": "style:ink"}, {"text": "Comic", "callback_data": "style:comic"}],
        [{"text": "Copy seed", "copy_text": {"text": "7"}}],
    ]
}
HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>\u202e\u2066evil'


@pytest.fixture
def chat(page, playground):
    """The page, open and ready as the first learner."""
    return visit(page, playground)


def visit(page, playground, where=""):
    page.goto(playground.url + where)
    expect(page.locator("#app")).to_have_attribute("data-phase", "ready")
    expect(page.locator("#app")).to_have_attribute("data-line", "up")
    return page


def write(page, text):
    page.get_by_role("combobox", name="Write a message").fill(text)
    page.keyboard.press("Enter")


def field_of(page):
    return page.locator("#composer-text")


def bubbles(page):
    return page.locator(".row .bubble")


def key(page, name):
    return page.locator(".keyboard").get_by_role("button", name=name)


class TestWriting:
    def test_a_message_goes_out_and_the_reply_appears_live(self, chat, bot):
        write(chat, "hello there")
        message = bot.take("message")
        assert message["text"] == "hello there"
        assert message["from"]["id"] == ME
        expect(chat.locator(".row.mine .text")).to_have_text("hello there")
        expect(field_of(chat)).to_have_value("")
        bot.say(ME, "hello back")
        expect(chat.locator(".row.theirs .text")).to_have_text("hello back")
        expect(chat.locator(".row.mine .meta")).to_contain_text("Received by the bot")

    def test_an_empty_chat_offers_words_and_a_click_sends_one(self, chat, bot):
        chips = chat.locator(".chip")
        expect(chips).to_have_text(["/write 学习 study", "/write بحر sea", "любовь - love"])
        chips.first.click()
        assert bot.take("message")["text"] == "/write 学习 study"
        expect(chips).to_have_count(0)

    def test_start_is_one_tap_in_a_new_chat(self, chat, bot):
        chat.get_by_role("button", name="Start", exact=True).click()
        assert bot.take("message")["text"] == "/start"
        expect(chat.get_by_role("button", name="Start", exact=True)).to_have_count(0)

    def test_shift_enter_breaks_the_line_and_arrow_up_recalls(self, chat, bot):
        field = field_of(chat)
        field.press_sequentially("one")
        field.press("Shift+Enter")
        field.press_sequentially("two")
        expect(field).to_have_value("one\ntwo")
        field.press("Enter")
        assert bot.take("message")["text"] == "one\ntwo"
        write(chat, "second")
        expect(bubbles(chat)).to_have_count(2)
        field.press("ArrowUp")
        expect(field).to_have_value("second")
        field.press("ArrowUp")
        expect(field).to_have_value("one\ntwo")

    def test_spaces_alone_are_not_sent(self, chat):
        write(chat, "   \n ")
        expect(bubbles(chat)).to_have_count(0)

    def test_a_reply_quotes_and_reaches_the_bot_as_one(self, chat, bot):
        asked = bot.say(ME, "Which word?")
        chat.get_by_text("Which word?").last.dblclick()
        expect(chat.locator(".reply-bar")).to_contain_text("Which word?")
        write(chat, "学习")
        assert bot.take("message")["reply_to_message"]["message_id"] == asked["message_id"]
        expect(chat.locator(".row.mine .quote")).to_contain_text("Which word?")

    def test_escape_takes_the_quote_back(self, chat, bot):
        bot.say(ME, "Which word?")
        chat.get_by_text("Which word?").last.dblclick()
        chat.keyboard.press("Escape")
        expect(chat.locator(".reply-bar")).to_be_hidden()
        write(chat, "no reply")
        assert "reply_to_message" not in bot.take("message")

    def test_commands_of_the_bot_are_suggested_and_sent(self, chat, bot):
        bot.call(
            "setMyCommands",
            commands=[
                {"command": "write", "description": "Paint a word"},
                {"command": "help", "description": "How it works"},
            ],
        )
        field = field_of(chat)
        chat.reload()
        field.press_sequentially("/")
        options = chat.locator("#suggestions [role=option]")
        expect(options).to_have_count(2)
        field.press_sequentially("he")
        expect(options).to_have_text(["/helpHow it works"])
        expect(field).to_have_attribute("aria-activedescendant", "suggestion-0")
        field.press("Enter")
        assert bot.take("message")["text"] == "/help"
        expect(field).to_have_attribute("aria-expanded", "false")

    def test_drafts_stay_with_their_chat_and_survive_a_reload(self, chat, playground):
        group = playground.control("POST", "/sim/group", title="Class", members=[ME])["chat"]["id"]
        field = field_of(chat)
        field.fill("half a thou")
        chat.locator(f"[data-chat='{group}']").click()
        expect(field).to_have_value("")
        expect(chat.locator(f"[data-chat='{ME}']")).to_contain_text("half a thou")
        chat.locator(f"[data-chat='{ME}']").click()
        expect(field).to_have_value("half a thou")
        chat.reload()
        expect(field).to_have_value("half a thou")


class TestButtons:
    def test_a_tap_loads_until_the_answer_shows_as_a_toast(self, chat, bot):
        bot.say(ME, "Which style?", reply_markup=STYLES)
        key(chat, "Ink").click()
        query = bot.take("callback_query")
        assert query["data"] == "style:ink"
        expect(key(chat, "Ink")).to_have_attribute("aria-busy", "true")
        bot.call("answerCallbackQuery", callback_query_id=query["id"], text="In ink it is")
        expect(chat.locator(".toast")).to_have_text("In ink it is")
        expect(key(chat, "Ink")).not_to_have_attribute("aria-busy", "true")

    def test_an_alert_waits_and_escape_returns_to_the_button(self, chat, bot):
        bot.say(ME, "Which style?", reply_markup=STYLES)
        key(chat, "Comic").click()
        bot.call(
            "answerCallbackQuery", callback_query_id=bot.take("callback_query")["id"], text="Not yours", show_alert=True
        )
        expect(chat.get_by_role("alertdialog")).to_contain_text("Not yours")
        chat.keyboard.press("Escape")
        expect(chat.get_by_role("alertdialog")).to_have_count(0)

    def test_an_alert_closes_by_its_button(self, chat, bot):
        bot.say(ME, "Which style?", reply_markup=STYLES)
        key(chat, "Comic").click()
        bot.call(
            "answerCallbackQuery", callback_query_id=bot.take("callback_query")["id"], text="Not yours", show_alert=True
        )
        chat.get_by_role("alertdialog").get_by_role("button", name="OK").click()
        expect(chat.get_by_role("alertdialog")).to_have_count(0)

    def test_a_second_tap_while_loading_sends_nothing(self, chat, bot):
        bot.say(ME, "Which style?", reply_markup=STYLES)
        key(chat, "Ink").dblclick()
        query = bot.take("callback_query")
        bot.call("answerCallbackQuery", callback_query_id=query["id"])
        expect(key(chat, "Ink")).not_to_have_attribute("aria-busy", "true")
        assert bot.call("getUpdates", offset=-1, timeout=0)[-1]["callback_query"]["id"] == query["id"]

    def test_copy_text_copies_and_says_so(self, chat, bot):
        chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
        bot.say(ME, "Done", reply_markup=STYLES)
        key(chat, "Copy seed").click()
        expect(chat.locator(".toast")).to_have_text("Copied: 7")
        assert chat.evaluate("navigator.clipboard.readText()") == "7"

    def test_keyboard_alone_is_enough(self, chat, bot):
        bot.say(ME, "Which style?", reply_markup=STYLES)
        expect(key(chat, "Ink")).to_be_visible()
        expect(field_of(chat)).to_be_focused()
        for _ in range(12):
            chat.keyboard.press("Shift+Tab")
            if chat.evaluate("document.activeElement.textContent") == "Ink":
                break
        expect(key(chat, "Ink")).to_be_focused()
        assert chat.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        chat.keyboard.press("Enter")
        query = bot.take("callback_query")
        bot.call("answerCallbackQuery", callback_query_id=query["id"], text="Thanks")
        expect(chat.locator(".toast")).to_have_text("Thanks")
        chat.keyboard.type("typed from anywhere")
        expect(field_of(chat)).to_have_value("typed from anywhere")


class TestPictures:
    def send_status(self, bot):
        return bot.say(ME, "Painting 10 %", reply_markup=STYLES)

    def become_picture(self, bot, status, paint, caption="学习 — study"):
        media = {"type": "photo", "media": "attach://picture", "caption": caption}
        return bot.call(
            "editMessageMedia",
            {"picture": paint(640, 480)},
            chat_id=ME,
            message_id=status["message_id"],
            media=media,
            reply_markup=STYLES,
        )

    def test_a_text_becomes_a_photo_in_place(self, chat, bot, paint):
        status = self.send_status(bot)
        row = chat.locator(f".row[data-id='{status['message_id']}']")
        row.evaluate("(element) => { element.marked = true; }")
        bot.call("editMessageText", chat_id=ME, message_id=status["message_id"], text="Painting 60 %")
        expect(row.locator(".text")).to_have_text("Painting 60 %")
        self.become_picture(bot, status, paint)
        image = row.locator(".photo img")
        expect(image).to_be_visible()
        expect(row.locator(".text")).to_have_text("学习 — study")
        chat.wait_for_function("(image) => image.complete && image.naturalWidth === 640", arg=image.element_handle())
        assert row.evaluate("(element) => element.marked"), "the row was replaced instead of edited"
        expect(bubbles(chat)).to_have_count(1)
        expect(chat.locator("#announcer")).to_contain_text("学习 — study")

    def test_the_photo_opens_large_and_escape_closes(self, chat, bot, paint):
        self.become_picture(bot, self.send_status(bot), paint)
        frame = chat.get_by_role("button", name=re.compile("Open the photo"))
        frame.click()
        expect(chat.locator("dialog.lightbox img")).to_be_visible()
        chat.keyboard.press("Escape")
        expect(chat.locator("dialog.lightbox")).to_have_count(0)
        expect(frame).to_be_focused()

    def test_typing_shows_until_the_picture_is_there(self, chat, bot, paint):
        status = self.send_status(bot)
        bot.call("sendChatAction", chat_id=ME, action="upload_photo")
        expect(chat.locator("#chat-status")).to_contain_text("sending a photo")
        self.become_picture(bot, status, paint)
        expect(chat.locator("#chat-status")).to_contain_text("@wordbrush_playground_bot")

    def test_a_document_downloads_with_its_name(self, chat, bot, paint):
        bot.call("sendDocument", {"document": paint()}, chat_id=ME)
        with chat.expect_download() as waiting:
            chat.locator("a.document").click()
        assert waiting.value.suggested_filename == "document.png"
        assert waiting.value.path().read_bytes() == paint()

    def test_a_deleted_message_leaves(self, chat, bot):
        status = self.send_status(bot)
        expect(bubbles(chat)).to_have_count(1)
        bot.call("deleteMessage", chat_id=ME, message_id=status["message_id"])
        expect(bubbles(chat)).to_have_count(0)

    def test_new_buttons_keep_the_focus_where_it_was(self, chat, bot):
        status = self.send_status(bot)
        key(chat, "Comic").focus()
        bot.call(
            "editMessageText", chat_id=ME, message_id=status["message_id"], text="Painting 30 %", reply_markup=STYLES
        )
        expect(chat.locator(".row .text")).to_have_text("Painting 30 %")
        expect(key(chat, "Comic")).to_be_focused()


class TestText:
    def test_entities_are_drawn_and_links_are_guarded(self, chat, bot):
        text = '<b>学习 <i>study</i></b> <code>x</code> <tg-spoiler>hidden</tg-spoiler> <a href="https://example.com/">site</a>'
        bot.say(ME, text, parse_mode="HTML")
        shown = chat.locator(".row .text")
        expect(shown).to_have_text("学习 study x hidden site")
        expect(shown.locator("strong em")).to_have_text("study")
        expect(shown.locator("code")).to_have_text("x")
        link = shown.get_by_role("link", name="site")
        assert link.get_attribute("rel") == "noopener noreferrer"
        spoiler = shown.locator(".spoiler")
        spoiler.press("Enter")
        expect(spoiler).to_have_class(re.compile("shown"))

    def test_a_command_in_a_text_can_be_tapped(self, chat, bot):
        bot.say(ME, "Send /help or 😀 /write")
        chat.locator(".row .text").get_by_role("button", name="/write").click()
        assert bot.take("message")["text"] == "/write"

    def test_a_script_address_is_no_link(self, chat):
        harmless = chat.evaluate(
            """async () => {
              const { rich } = await import("/static/entities.js");
              const box = document.createElement("div");
              box.append(rich("click me", [{ type: "text_link", offset: 0, length: 8, url: "javascript:alert(1)" }]));
              return box.querySelector("a") === null && box.textContent === "click me";
            }"""
        )
        assert harmless

    @pytest.mark.parametrize("text", [HOSTILE, "W" * 4096, "\u202e" * 50 + "abc", "&lt;b&gt; &amp;"])
    def test_hostile_texts_stay_text(self, chat, bot, text):
        bot.say(ME, text)
        expect(chat.locator(".row .bubble")).to_have_count(1)
        assert chat.locator(".row .text").evaluate("(element) => element.textContent") == text
        assert chat.evaluate("window.pwned === undefined && document.documentElement.scrollWidth <= innerWidth")

    @pytest.mark.parametrize("name", [HOSTILE[:60], "n" * 64, "\u202eمريم"])
    def test_hostile_names_stay_text_everywhere(self, chat, playground, bot, name):
        other = playground.control("POST", "/sim/learner", first_name=name)["learner"]
        shown = other["first_name"]
        group = playground.control("POST", "/sim/group", title=name, members=[ME, other["id"]])["chat"]["id"]
        playground.control("POST", "/sim/message", learner=other["id"], chat=group, text="salut")
        chat.locator(f"[data-chat='{group}']").click()
        assert chat.locator(".row .sender").first.evaluate("(element) => element.textContent") == shown
        chat.get_by_role("button", name=re.compile("Who you are")).click()
        assert shown in chat.get_by_role("menu").evaluate("(element) => element.textContent")
        assert chat.evaluate("window.pwned === undefined && document.documentElement.scrollWidth <= innerWidth")
        assert chat.locator("main img[src='x'], main script").count() == 0

    def test_a_name_of_five_thousand_characters_is_cut_not_wrapped(self, chat):
        # The server refuses such a name; the page must not rely on that.
        chat.evaluate(
            """async (name) => {
              const { store } = await import("/static/store.js");
              store.putLearner({ ...store.learner, first_name: name });
            }""",
            HOSTILE + "n" * 5000,
        )
        assert (
            chat.locator(".identity-words .name").evaluate("(element) => element.textContent") == HOSTILE + "n" * 5000
        )
        assert chat.locator(".identity-button").bounding_box()["height"] < 80
        assert chat.evaluate("window.pwned === undefined && document.documentElement.scrollWidth <= innerWidth")

    def test_right_to_left_text_runs_its_way(self, chat, bot):
        bot.say(ME, "بحر")
        assert chat.locator(".row .text").evaluate("(element) => element.matches(':dir(rtl)')")


class TestPeople:
    def test_a_second_learner_has_a_chat_of_their_own(self, chat, bot):
        write(chat, "mine")
        bot.take("message")
        chat.get_by_role("button", name="Add a learner").click()
        chat.get_by_label("First name").fill("Анна")
        chat.get_by_label("Telegram language").last.select_option("ru")
        chat.get_by_role("button", name="Create").click()
        expect(chat.locator(".identity-words .name")).to_have_text("Анна")
        expect(bubbles(chat)).to_have_count(0)
        expect(chat.locator("html")).to_have_attribute("lang", "ru")
        chat.get_by_role("combobox", name="Сообщение").fill("привет")
        chat.keyboard.press("Enter")
        message = bot.take("message")
        assert (message["from"]["first_name"], message["from"]["language_code"]) == ("Анна", "ru")
        chat.locator(".identity-button").click()
        chat.get_by_role("menuitemradio", name="You").click()
        expect(chat.locator(".row.mine .text")).to_have_text("mine")

    def test_the_learners_language_is_told_to_the_bot_and_spoken_by_the_page(self, chat, bot):
        chat.locator("#language").select_option("zh-hans")
        expect(chat.get_by_role("combobox", name="写消息")).to_be_visible()
        chat.get_by_role("combobox", name="写消息").fill("好")
        chat.keyboard.press("Enter")
        assert bot.take("message")["from"]["language_code"] == "zh-hans"

    def test_a_group_of_two_shows_who_speaks(self, chat, playground, bot):
        other = playground.control("POST", "/sim/learner", first_name="Lin")["learner"]["id"]
        expect(chat.locator(".identity-words .name")).to_have_text("You")
        chat.get_by_role("button", name="New group").click()
        chat.get_by_label("Group name").fill("Class")
        expect(chat.get_by_role("checkbox", name="Lin")).to_be_checked()
        chat.get_by_role("button", name="Create").click()
        expect(chat.locator("#chat-title")).to_have_text("Class")
        expect(chat.locator("#chat-status")).to_have_text("3 members")
        group = int(chat.url.split("/")[-1])
        playground.control("POST", "/sim/message", learner=other, chat=group, text="/write 海 sea")
        expect(chat.locator(".row.theirs .sender")).to_have_text("Lin")

    def test_other_chats_show_unread_marks(self, chat, playground, bot):
        group = playground.control("POST", "/sim/group", title="Class", members=[ME])["chat"]["id"]
        chat.locator(f"[data-chat='{group}']").click()
        bot.say(ME, "one")
        bot.say(ME, "two")
        mark = chat.locator(f"[data-chat='{ME}'] .badge")
        expect(mark).to_contain_text("2 unread messages")
        chat.locator(f"[data-chat='{ME}']").click()
        expect(mark).to_have_count(0)

    def test_blocking_silences_the_bot_and_unblocking_brings_it_back(self, chat, bot, playground):
        write(chat, "hi")
        chat.get_by_role("button", name="More").click()
        chat.get_by_role("menuitem", name="Block the bot").click()
        unblock = chat.get_by_role("button", name="Unblock the bot")
        expect(unblock).to_be_visible()
        assert bot.take("my_chat_member")["new_chat_member"]["status"] == "kicked"
        unblock.click()
        expect(field_of(chat)).to_be_visible()
        bot.say(ME, "welcome back")
        expect(chat.locator(".row.theirs .text")).to_have_text("welcome back")

    def test_clearing_asks_first_and_empties_every_chat(self, chat, bot):
        write(chat, "to be forgotten")
        bot.take("message")
        chat.get_by_role("button", name="More").click()
        chat.get_by_role("menuitem", name="Clear everything").click()
        chat.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
        expect(bubbles(chat)).to_have_count(1)
        chat.get_by_role("button", name="More").click()
        chat.get_by_role("menuitem", name="Clear everything").click()
        chat.get_by_role("alertdialog").get_by_role("button", name="Clear").click()
        expect(chat.locator(".empty")).to_be_visible()


class TestLasting:
    def test_a_reload_keeps_chats_and_pictures(self, chat, bot, paint):
        write(chat, "hello")
        bot.call("sendPhoto", {"photo": paint()}, chat_id=ME, caption="a picture")
        expect(chat.locator(".photo img")).to_be_visible()
        chat.reload()
        expect(chat.locator(".row .text")).to_have_text(["hello", "a picture"])
        expect(chat.locator(".photo img")).to_be_visible()

    def test_two_tabs_can_be_two_people(self, chat, new_page, playground, bot):
        other = playground.control("POST", "/sim/learner", first_name="Lin")["learner"]["id"]
        second = visit(new_page(), playground, f"#{other}/{other}")
        write(second, "I am Lin")
        assert bot.take("message")["from"]["id"] == other
        bot.say(other, "hello Lin")
        expect(second.locator(".row.theirs .text")).to_have_text("hello Lin")
        expect(bubbles(chat)).to_have_count(0)

    def test_a_server_that_goes_away_is_said_and_missed_messages_come(self, chat, playground, watch, bot):
        watch.allow(r"ERR_CONNECTION|WebSocket connection|status of 50\d|WebSocket is closed")
        write(chat, "before")
        bot.take("message")
        playground.stop()
        line = chat.locator("#connection")
        expect(line).to_contain_text("Reconnecting")
        write(chat, "into the void")
        expect(chat.locator(".failure")).to_contain_text("Not sent.")
        playground.start()
        expect(line).to_be_hidden()
        bot.say(ME, "while you were away")
        expect(chat.get_by_text("while you were away").last).to_be_visible()
        chat.get_by_role("button", name="Try again").click()
        assert bot.take("message")["text"] == "into the void"
        expect(chat.locator(".row.mine .text")).to_have_text(["before", "into the void"])

    def test_an_older_state_does_not_swallow_a_newer_message(self, chat):
        # A state read by the server before a message, but arriving after it, is what a busy line looks like.
        kept = chat.evaluate(
            """async () => {
              const { store } = await import("/static/store.js");
              const { loadState } = await import("/static/api.js");
              const old = await loadState(store.me);
              const message = { message_id: 900, date: 1, chat: { id: store.me }, from: store.bot, text: "newer" };
              store.note({ type: "message", seq: old.seq + 1, chat: store.me, message });
              store.put(message, store.me);
              store.setState(store.me, old);
              return [store.chat.messages.get(900)?.text, store.sequence - old.seq];
            }"""
        )
        assert kept == ["newer", 1]

    def test_the_reader_is_not_pulled_down(self, chat, bot):
        for number in range(30):
            bot.say(ME, f"line {number}\n" * 3)
        scroller = chat.locator("#scroller")
        expect(bubbles(chat)).to_have_count(30)
        chat.wait_for_function(
            "() => { const s = document.getElementById('scroller'); return s.scrollHeight - s.scrollTop - s.clientHeight < 4; }"
        )
        scroller.hover()
        chat.mouse.wheel(0, -900)
        chat.wait_for_function("() => !document.getElementById('to-end').hidden")
        before = scroller.evaluate("(element) => element.scrollTop")
        bot.say(ME, "news")
        expect(chat.locator("#to-end")).to_contain_text("1")
        assert scroller.evaluate("(element) => element.scrollTop") == before
        chat.get_by_role("button", name="1 new message").click()
        expect(chat.get_by_text("news").last).to_be_in_viewport()


class TestLooks:
    def test_dark_follows_the_system_and_the_choice(self, new_page, playground):
        dark = visit(new_page(color_scheme="dark"), playground)
        background = "getComputedStyle(document.querySelector('.sidebar')).backgroundColor"
        by_system = dark.evaluate(background)
        dark.get_by_role("button", name="More").click()
        dark.get_by_role("menuitemradio", name="Light").click()
        by_choice = dark.evaluate(background)
        assert (by_system, by_choice) == ("rgb(23, 32, 31)", "rgb(255, 255, 255)")
        dark.reload()
        expect(dark.locator("html")).to_have_attribute("data-theme", "light")

    def test_a_phone_has_a_drawer_and_no_sideways_scrolling(self, new_page, playground, bot, paint):
        phone = visit(new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True), playground)
        bot.call("sendPhoto", {"photo": paint(1024, 1024)}, chat_id=ME, caption="学习 — study", reply_markup=STYLES)
        expect(phone.locator(".photo img")).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth <= 390")
        expect(phone.locator(".sidebar")).not_to_be_visible()
        phone.get_by_role("button", name="Open the chat list").tap()
        expect(phone.locator(".sidebar")).to_be_visible()
        phone.keyboard.press("Escape")
        expect(phone.locator(".sidebar")).not_to_be_visible()

    def test_a_banner_says_that_this_is_the_playground(self, chat):
        expect(chat.locator("#banner")).to_contain_text("A real bot, without Telegram.")

    def test_controls_have_names(self, chat, bot, paint):
        bot.call("sendPhoto", {"photo": paint()}, chat_id=ME, caption="a picture", reply_markup=STYLES)
        expect(chat.locator(".photo")).to_be_visible()
        nameless = chat.evaluate(
            "() => [...document.querySelectorAll('button, a, select, textarea, input')]"
            ".filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)"
        )
        assert nameless == []
        expect(chat.get_by_role("log")).to_have_attribute("aria-live", "polite")

    def test_the_page_speaks_all_its_languages_in_full(self, chat):
        missing = chat.evaluate(
            """async () => {
              const text = await (await fetch("/static/i18n.js")).text();
              const block = (name) => text.split(`  ${name}: {`)[1].split("\\n  },")[0];
              const keys = (name) => [...block(name).matchAll(/(?:^|[\\s,])("?[A-Za-z_.]+"?):\\s*(?=["(])/g)].map((m) => m[1]).sort().join();
              return [keys("en") === keys("ru"), keys("en") === keys("zh"), keys("en").length > 500];
            }"""
        )
        assert missing == [True, True, True]
