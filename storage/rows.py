"""Between rows and the values of `storage.model`. Pure; knows no connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from generation.contracts.picture import Picture
from generation.contracts.request import PaintRequest
from storage.model import Destination, Learner, NewOrder, Order, Parameters, State, StoredPicture


def new_order_values(new: NewOrder, now: float) -> dict[str, Any]:
    """Columns of a new order taken in at `now`."""
    queued = new.style is not None
    return {
        "source_key": new.source_key,
        "learner": new.learner,
        "locale": new.locale,
        **asdict(new.destination),
        "status_message": new.status_message,
        "word": new.word,
        "translation": new.translation,
        "language": new.language,
        "style": new.style,
        "seed": new.seed,
        "width": new.width,
        "height": new.height,
        "parameters": _compact(new.parameters),
        "state": State.QUEUED if queued else State.DRAFT,
        "parent": new.parent,
        "action": new.action,
        "created_at": now,
        "queued_at": now if queued else None,
    }


def order_of(row: Row[Any]) -> Order:
    """The order in a row of all columns."""
    columns = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's mapping
    told = columns.pop("told_at") is not None
    destination = Destination(**{name: columns.pop(name) for name in ("chat", "thread", "reply_to", "private")})
    state, parameters = State(columns.pop("state")), _parameters(columns.pop("parameters"))
    details = columns.pop("error_details") or {}
    return Order(
        **columns, destination=destination, state=state, parameters=parameters, error_details=details, told=told
    )


def learner_of(row: Row[Any]) -> Learner:
    """The learner in a row of all columns."""
    return Learner(
        id=row.id,
        user=row.user,
        telegram_locale=row.telegram_locale,
        chosen_locale=row.chosen_locale,
        blocked=row.blocked,
    )


def picture_of(row: Row[Any], path: Path) -> StoredPicture:
    """The picture in a row of all columns, its file at `path`."""
    return StoredPicture(
        id=row.id,
        sha256=row.sha256,
        size=row.size,
        path=path,
        width=row.width,
        height=row.height,
        engine=row.engine,
        engine_version=row.engine_version,
        word=row.word,
        translation=row.translation,
        language=row.language,
        style=row.style,
        seed=row.seed,
        meta=row.meta,
    )


def picture_key(request: PaintRequest, engine: str, engine_version: str) -> dict[str, Any]:
    """The cache key of a request's picture, by column of `tables.PICTURE_KEY`."""
    return {
        "word": request.word,
        "translation": request.translation,
        "language": request.language,
        "style": request.style,
        "seed": request.seed,
        "engine": engine,
        "engine_version": engine_version,
        "width": request.width,
        "height": request.height,
        "parameters": request.parameters_hash(),
    }


def picture_meta(picture: Picture) -> dict[str, Any]:
    """What the engine reported about a picture, as JSON values."""
    return {
        "box": list(picture.box),
        "prompt": picture.prompt,
        "methods": dict(picture.methods),
        "weights": dict(picture.weights),
        "seconds": dict(picture.seconds),
        "legibility": dict(picture.legibility),
    }


def _compact(parameters: Parameters) -> dict[str, Any]:
    """Only what differs from the defaults: almost always nothing."""
    plain = asdict(Parameters())
    return {name: value for name, value in asdict(parameters).items() if value != plain[name]}


def _parameters(stored: Mapping[str, Any]) -> Parameters:
    pairs = {
        name: tuple((kind, value) for kind, value in stored[name]) for name in ("weights", "methods") & stored.keys()
    }
    return Parameters(**{**stored, **pairs})
