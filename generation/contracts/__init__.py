"""The types every room speaks in: requests, pictures, events, errors and ports.

Plain frozen data and protocols. Knows no torch, no cv2, no Telegram and no database; numpy arrays are its only heavy
values.
"""
