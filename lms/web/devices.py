"""A browser in a few words, from what it says of itself: enough to tell one's own apart."""

import re

_BROWSERS = (  # the first that fits: most claim to be all of the later ones, too
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|Chromium/|CriOS/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("ChromeOS", r"CrOS"),
    ("Mac", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)


def device(user_agent: str) -> str:
    """Return, say, `Firefox on Windows`; blank for what is none that people use."""
    known = (_first(_BROWSERS, user_agent[:500]), _first(_SYSTEMS, user_agent[:500]))
    return " on ".join(filter(None, known))


def _first(named: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in named if re.search(pattern, text)), "")
