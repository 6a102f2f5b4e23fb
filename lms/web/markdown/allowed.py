"""What may be in the HTML of a text: the second line of defense."""

from collections.abc import Collection
from urllib.parse import urlsplit

import nh3

from lms.web.markdown.code import CLASSES as CODE

_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code"),
    *("strong", "em", "del", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
    *("sup", "section", "span", "figure", "figcaption", "video", "audio", "track"),
}
_MATH = {
    *("math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mstyle", "mfrac", "msqrt"),
    *("mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts"),
    *("mprescripts", "none", "mtable", "mtr", "mtd", "mpadded", "mphantom", "menclose"),
}
_MATH_ATTRIBUTES = {
    "math": {"display"},
    "mo": {
        *("stretchy", "fence", "form", "accent", "separator", "lspace", "rspace"),
        *("minsize", "maxsize"),
    },
    "mi": {"mathvariant"},
    "mfrac": {"linethickness"},
    "mspace": {"width", "height", "depth"},
    "mpadded": {"width", "height", "depth", "lspace", "voffset"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "menclose": {"notation"},
    "mtable": {"displaystyle", "rowspacing", "columnspacing", "columnlines", "rowlines"},
    "mtd": {"columnalign"},
}
_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_ATTRIBUTES = {
    "a": {"href", "title", "aria-label", "download", "data-player"},
    **{tag: {"id"} for tag in (*_HEADINGS, "li", "sup")},
    "img": {"src", "alt", "title", "loading", "width", "height"},
    "video": {"src", "controls", "preload", "width", "height", "aria-label"},
    "audio": {"src", "controls", "preload", "aria-label"},
    "track": {"src", "kind", "srclang", "label", "default"},
    "ol": {"start"},
    "section": {"tabindex"},
    **_MATH_ATTRIBUTES,
    "th": {"scope"},
}
ALIGNMENTS = {"left": "text-start", "center": "text-center", "right": "text-end"}
_CLASSES = {
    **{tag: set(ALIGNMENTS.values()) for tag in ("th", "td")},
    "a": {"file", "player-link"},
    "figure": {"code", "player"},
    "li": {"task", "task-done"},
    "section": {"footnotes", "formula"},
    "code": {"unread"},
    "span": {
        "visually-hidden",
        "unshown",
        "file-facts",
        "player-mark",
        "player-name",
        "player-where",
        *CODE,
    },
}
_SCROLLED = {"tabindex": "0"}  # wide ones scroll by themselves, so the keyboard has to reach them


def clean(html: str, frames: Collection[str]) -> str:
    """Return the HTML without what is not allowed; `frames` are the origins of its players."""

    def kept(_tag: str, attribute: str, value: str) -> str | None:
        if attribute == "src":  # nothing is loaded from elsewhere
            return value if value.startswith("/") and not value.startswith("//") else None
        if attribute == "data-player":
            return value if _origin(value) in frames else None
        return value

    return nh3.clean(
        html,
        tags=_TAGS | _MATH,
        attributes=_ATTRIBUTES,
        attribute_filter=kept,
        allowed_classes=_CLASSES,
        set_tag_attribute_values={"pre": _SCROLLED, "table": _SCROLLED},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
