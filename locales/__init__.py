"""What Wordbrush says: one folder of Fluent files a language, read by `bot.texts`. There is no code here."""
