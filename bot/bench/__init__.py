"""Suites of measured figures for `python -m bot bench`.

Each module's `run()` returns rows; every ratio has its baseline measured in the same run.
"""
