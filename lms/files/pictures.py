"""Pictures, made anew: of a size that pages can load, upright, and with nothing else in them.

What is written is pixels alone: no place, no camera, no comment, nothing behind the picture's end.
"""

from io import BytesIO
from threading import Lock
from typing import BinaryIO

from PIL import Image, ImageCms, ImageOps

LONGEST_SIDE = 2_000
MOST_PIXELS = 60_000_000
_FORMATS = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/gif": ("GIF",),
    "image/webp": ("WEBP",),
    "image/avif": ("AVIF",),
}
_WRITTEN = {"image/jpeg": "image/jpeg", "image/png": "image/png", "image/gif": "image/png"}
"""What each is written as; others as WebP, which all browsers show."""
_one_at_a_time = Lock()
"""One picture takes up to a quarter of a gigabyte while it is read."""


class NoPicture(Exception):  # noqa: N818 - a fact
    """It can't be made into a picture of a lesson; the message says why."""


def made_anew(
    file: BinaryIO, media_type: str, *, longest: int = LONGEST_SIDE, other: str = "image/webp"
) -> tuple[BytesIO, str, int, int]:
    """Return a picture as it is kept, its media type, width and height; raises NoPicture.

    `other` is what it is written as where its own type isn't kept.
    """
    file.seek(0)
    written = _WRITTEN.get(media_type, other)
    try:
        with _one_at_a_time, Image.open(file, formats=_FORMATS[media_type]) as found:
            _refuse(found, media_type)
            return _written(_upright(found, longest), written)
    except Image.DecompressionBombError:
        raise NoPicture(_too_large(f"more than {MOST_PIXELS / 1e6:,.0f}")) from None
    except NoPicture:
        raise
    except Exception as error:  # whatever decoders raise: of damaged AVIF, RuntimeError
        raise NoPicture("The picture is damaged. Save it again and upload that.") from error


def _refuse(found: Image.Image, media_type: str) -> None:
    """Refuse by what the header says, before anything is decoded."""
    if found.width * found.height > MOST_PIXELS:
        raise NoPicture(_too_large(f"{found.width * found.height / 1e6:,.0f}"))
    if media_type != "image/jpeg" and getattr(found, "is_animated", False):
        raise NoPicture("The picture is animated. Upload a video, or a still picture.")


def _too_large(megapixels: str) -> str:
    return (
        f"The picture has {megapixels} megapixels."
        f" Make it smaller: at most {MOST_PIXELS // 1_000_000} are accepted."
    )


def _upright(found: Image.Image, longest: int) -> Image.Image:
    found.thumbnail((longest, longest))  # a JPEG is decoded at that size
    picture = ImageOps.exif_transpose(found)
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _in_eight_bits(picture)
    has_alpha = picture.has_transparency_data
    if picture.mode not in {"RGB", "L"} or has_alpha:
        picture = picture.convert("RGBA" if has_alpha else "RGB")
    return _in_ordinary_colors(picture, profile) if profile else picture


def _in_eight_bits(deep: Image.Image) -> Image.Image:
    """Return gray of 16 bits in 8: Pillow's own way makes white of all above 255."""
    deep.info.pop("transparency", None)  # a shade of 16 bits, which 8 can't name
    return deep.convert("F").point(lambda value: value * (1 / 257)).convert("L")


def _in_ordinary_colors(picture: Image.Image, profile: bytes) -> Image.Image:
    """Return it in sRGB, since its own profile goes with all else that is no pixel."""
    try:
        ordinary = ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(picture, BytesIO(profile), ordinary)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # a profile of other colors, or a broken one
    return turned or picture


def _written(picture: Image.Image, media_type: str) -> tuple[BytesIO, str, int, int]:
    picture.info.clear()  # what some formats would write again
    kept = BytesIO()
    if media_type == "image/jpeg":
        picture = picture if picture.mode in {"RGB", "L"} else picture.convert("RGB")
        picture.save(kept, "JPEG", quality=85, optimize=True, progressive=True)
    elif media_type == "image/png":
        picture.save(kept, "PNG", optimize=True)
    else:
        picture.save(kept, "WEBP", quality=85)
    kept.seek(0)
    return kept, media_type, picture.width, picture.height
