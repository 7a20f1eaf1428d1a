"""A loopback Bot API server and a chat page.

Knows Telegram's wire and rules; knows nothing of the rest of this project.
"""
