"""Wordbrush's Telegram side and composition root; everything that knows both a chat and a picture."""
