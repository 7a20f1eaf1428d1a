"""Alembic's script folder; it travels in the wheel. `storage.upgrade` runs it, there is no alembic.ini.

A new revision: add `versions/000N_<what>.py` with `down_revision` set to the newest one and an `upgrade()` that uses
`op.batch_alter_table` for anything but additions, change `storage/tables.py` alike, raise `storage.upgrade.HEAD`, and
let the tests compare the two. There are no downgrades: the backup made before the upgrade is the way back.
"""
