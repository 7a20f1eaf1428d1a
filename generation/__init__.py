"""From a word to a picture: glyphs, control images, engines, queue and worker. Knows no Telegram and no database."""
