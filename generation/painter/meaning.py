"""Which family a word's meaning belongs to, from a few keywords. A nudge for the choice of scene, not a dictionary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_KEYWORDS: Mapping[str, str] = MappingProxyType(
    {
        "water": "water sea ocean river lake rain wave fish swim boat island beach drink tea ship вода море океан "
        "река озеро дождь волна рыба остров чай лодка корабль 水 海 河 湖 雨 江 波 魚 鱼 茶 川 船 島 岛",
        "fire": "fire sun hot summer flame volcano burn anger passion heart love energy огонь солнце лето пламя "
        "вулкан страсть любовь сердце энергия 火 日 夏 炎 愛 爱 心 热 熱",
        "night": "night moon star dream sleep dark space sky universe evening ночь луна звезда мечта сон космос "
        "вечер небо 夜 月 星 夢 梦 空 宇 晚",
        "plant": "tree flower forest garden spring grass leaf plant nature fruit bamboo blossom дерево цветок лес "
        "сад весна трава лист природа растение 木 花 林 森 草 春 樱 桜 竹 葉 叶 庭",
        "mountain": "mountain hill stone rock earth land country road path travel journey peace гора холм камень "
        "земля страна дорога путь путешествие мир покой 山 石 岩 土 地 国 國 道 路 旅 和",
        "snow": "snow ice winter cold frost снег лёд лед зима холод мороз 雪 冰 冬 寒 氷",
        "city": "city town house home street work job money friend people family город дом улица работа деньги "
        "друг люди семья 市 町 家 城 街 店 友 人 工 作",
        "study": "study learn learning book school language word read write teacher student knowledge wisdom учеба "
        "учёба учиться изучать книга школа язык слово читать писать знание 学 學 習 习 書 书 本 語 语 字 "
        "文 教 读 読",
    }
)
_HAN = re.compile(r"[㐀-鿿豈-﫿]")
_WORDS = re.compile(r"[^\W\d_]+")


def _index() -> dict[str, str]:
    return {keyword: family for family, keywords in _KEYWORDS.items() for keyword in keywords.split()}


_FAMILY_OF = MappingProxyType(_index())


def families_of(word: str, translation: str) -> frozenset[str]:
    """Families the word touches, by its translation's words and its own Han characters; empty when none is known.

    Source: our own list of about 150 frequent words in English, Russian and Han.
    """
    said = [found.casefold() for found in _WORDS.findall(f"{translation} {word}")]
    keys = {*said, *(key[:-1] for key in said if key.endswith("s")), *_HAN.findall(word)}
    return frozenset(_FAMILY_OF[key] for key in keys if key in _FAMILY_OF)
