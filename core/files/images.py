"""Photos are decoded and drawn anew, so that nothing but the picture survives.

What comes out is a JPEG made from bare pixels: no EXIF, position, colour profile, comment,
thumbnail or trailing bytes. What the camera wrote of when and where is read before (`camera`)
and told beside the picture; it can speak against what a form says, and never replaces it. Colour
profiles are dropped, not applied, so that no profile is ever interpreted.
"""

import asyncio
import hashlib
from io import BytesIO
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec
from PIL import Image

from core.files.camera import taken_of
from plugin_sdk.files import Taken

MAX_BYTES: Final = 12 * 1024 * 1024
MAX_PIXELS: Final = 40_000_000
MAX_SIDE: Final = 1600
QUALITY: Final = 85
MEDIA_TYPE: Final = "image/jpeg"
AT_ONCE: Final = 2
"""How many pictures one event loop has drawn at the same time."""

_GATES: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]] = WeakKeyDictionary()
_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HEIF_BRANDS: Final = (b"hei", b"hev", b"mif1", b"msf1")
# MPO is a JPEG with further pictures behind it, as phones write; the first one is taken.
_READS_AS: Final = {"JPEG": {"JPEG", "MPO"}, "PNG": {"PNG"}, "WEBP": {"WEBP"}}


class PictureError(ValueError):
    """Bytes that are not a picture which may be kept; `code` says why.

    Codes: `picture-empty`, `picture-too-many-bytes` (`limit` in bytes), `picture-heic` (the
    phone's own format: send a JPEG), `picture-kind` (neither JPEG, PNG nor WebP),
    `picture-animated`, `picture-too-many-pixels` (`limit` in pixels), `picture-unreadable`
    (damaged, cut short).
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Picture(msgspec.Struct, frozen=True):
    """A re-encoded picture: `width` and `height` in pixels, `sha256` of `data` in hex; `taken` is
    what stood in the photo and no longer stands in the picture."""

    data: bytes
    width: int
    height: int
    media_type: str
    sha256: str
    taken: Taken = Taken()


def reencode(
    data: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    max_side: int = MAX_SIDE,
    quality: int = QUALITY,
) -> Picture:
    """Return a photo turned upright, shrunk to `max_side` pixels, as a progressive JPEG.

    The kind is read from the first bytes, never from a name; the number of pixels from the
    header, before anything is decoded. Transparency becomes white. CPU-bound: a request calls
    `reencode_async`. Raises `PictureError`.
    """
    if not data:
        raise PictureError("picture-empty")
    if len(data) > max_bytes:
        raise PictureError("picture-too-many-bytes", limit=max_bytes)
    kind = _kind(data)
    if kind == "WEBP":  # its decoder takes memory for the whole canvas when it is opened
        _check_pixels(_webp_size(data), max_pixels)
    try:
        with Image.open(BytesIO(data), formats=[kind]) as image:
            _check_pixels(image.size, max_pixels)
            if image.format not in _READS_AS[kind]:
                raise PictureError("picture-kind")
            if image.format != "MPO" and getattr(image, "is_animated", False):
                raise PictureError("picture-animated")
            taken = taken_of(image)
            picture = _draw(image, max_side)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError("picture-too-many-pixels", limit=max_pixels) from None
    except Exception as error:  # hostile bytes raise anything: OSError, SyntaxError, struct.error
        raise PictureError("picture-unreadable") from error
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality, progressive=True, optimize=True)
    encoded = out.getvalue()
    digest = hashlib.sha256(encoded).hexdigest()
    return Picture(encoded, picture.width, picture.height, MEDIA_TYPE, digest, taken)


async def reencode_async(
    data: bytes,
    gate: asyncio.Semaphore | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    max_side: int = MAX_SIDE,
) -> Picture:
    """Return `reencode(data)`, done in a thread; `gate` bounds how many are done at once.

    At the limit of 40 million pixels one takes about 1.5 s and up to 700 MiB (WebP; JPEG
    0.3 s and 100 MiB). Without a `gate` two are done at once in each event loop.

    A caller that goes away leaves its place in the gate taken until the thread has ended, so
    that broken connections cannot pile up decoding. Raises `PictureError`.
    """
    place = gate or _GATES.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))

    async def run() -> Picture:
        async with place:
            return await asyncio.to_thread(
                reencode, data, max_bytes=max_bytes, max_pixels=max_pixels, max_side=max_side
            )

    return await asyncio.shield(asyncio.ensure_future(run()))


def _kind(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12].startswith(_HEIF_BRANDS):
        raise PictureError("picture-heic")
    raise PictureError("picture-kind")


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    if size[0] * size[1] > limit:
        raise PictureError("picture-too-many-pixels", limit=limit)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the canvas a WebP header declares (RFC 9649, sections 2.5 to 2.7)."""
    chunk, head = data[12:16], data[20:30]
    if len(head) < 10:
        raise PictureError("picture-unreadable")
    if chunk == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        sides = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    raise PictureError("picture-unreadable")


def _draw(image: Image.Image, max_side: int) -> Image.Image:
    """Return a new image that holds nothing but the upright, shrunk pixels."""
    image.draft(None, (max_side, max_side))  # a large JPEG is decoded at a fraction of its size
    image.load()
    turn = _TURNS.get(_orientation(image))
    pixels: Image.Image = image
    if image.mode in {"I", "I;16", "I;16B"}:  # 16-bit grey: keep the upper byte
        pixels = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        pixels.info.pop("transparency", None)
    clear = pixels.has_transparency_data
    pixels = pixels.convert("RGBA" if clear else "RGB")
    pixels.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    if clear:
        paper = Image.new("RGB", pixels.size, "white")
        paper.paste(pixels, mask=pixels.getchannel("A"))
        pixels = paper
    if turn is not None:
        pixels = pixels.transpose(turn)
    return Image.frombytes("RGB", pixels.size, pixels.tobytes())


def _orientation(image: Image.Image) -> int:
    """Return how the camera was held (EXIF 2.32, tag 0x0112); 1, upright, when EXIF is broken."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # what cannot be read is not carried on either
        return 1
