"""
What the core said, in the language of the session.

The core knows nothing of languages; its sentences may also come from another process or from an old
run. The catalogue holds the templates that they were made from, so a sentence is recognised by the
one that it fits.
"""

import re
from functools import cache, lru_cache

from pages.shared import language

_FIELD = re.compile(r"(\{\d+\})")
_NEXT_SENTENCE = re.compile(r"(?<=[.?!]) (?=\S)")


def tell(text: str) -> str:
    """Return *text* as the session's language says it; as it stands where nothing is known."""
    return _told(text, language.spoken())


@lru_cache(1024)
def _told(text: str, spoken: str) -> str:
    if spoken == language.ENGLISH or not text:
        return text
    known = _whole(text, spoken)
    if known is None:
        parts = _NEXT_SENTENCE.split(text)
        known = "".join(_told(part, spoken) for part in parts) if len(parts) > 1 else text
    return known


def _whole(text: str, spoken: str) -> str | None:
    exact = language.translation(spoken).gettext(text)
    if exact != text:
        return exact
    for template, pattern in _templates(spoken):
        if found := pattern.fullmatch(text):
            told = language.translation(spoken).gettext(template)
            # A single word may be a name, which is the same in all languages.
            fields = [_told(field, spoken) if " " in field else field for field in found.groups()]
            return told.format(*fields)
    return None


@cache
def _templates(spoken: str) -> list[tuple[str, re.Pattern[str]]]:
    """Return the templates with numbered fields; those that say most come first."""
    said: dict[object, str] = getattr(language.translation(spoken), "_catalog", {})
    texts = [text for text in said if isinstance(text, str) and _FIELD.search(text)]
    texts.sort(key=lambda text: -len(_FIELD.sub("", text)))
    return [(text, re.compile(_pattern(text), re.DOTALL)) for text in texts]


def _pattern(template: str) -> str:
    parts = _FIELD.split(template)
    return "".join("(.*?)" if _FIELD.fullmatch(part) else re.escape(part) for part in parts)
