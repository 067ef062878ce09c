import asyncio
import hashlib
import io
import resource
import struct
import threading
import time
import zipfile
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from core.files import images
from core.files.images import PictureError, reencode, reencode_async
from plugin_sdk.files import Taken

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 40), (30, 40, 210)


def picture(size: tuple[int, int] = (40, 20), mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right, so that turning shows."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def refusal(data: bytes, **options) -> PictureError:
    with pytest.raises(PictureError) as refused:
        reencode(data, **options)
    return refused.value


def close(pixel, colour, by: int = 40) -> bool:
    return all(abs(a - b) <= by for a, b in zip(pixel, colour, strict=True))


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_bomb(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = png_chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body + png_chunk(b"IEND", b"")


def jpeg_bomb(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_bomb(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4)
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body += encoded(picture(), "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("payload.txt", "SECRET-PAYLOAD")
    return out.getvalue()


class TestWhatIsAccepted:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_three_kinds_become_a_progressive_jpeg(self, kind):
        kept = reencode(encoded(picture(), kind))
        image = decoded(kept.data)
        assert (image.format, image.mode, image.info.get("progressive")) == ("JPEG", "RGB", 1)
        assert (kept.width, kept.height) == image.size == (40, 20)
        assert kept.media_type == "image/jpeg"
        assert kept.sha256 == hashlib.sha256(kept.data).hexdigest()
        assert close(image.getpixel((5, 10)), RED)
        assert close(image.getpixel((35, 10)), BLUE)

    def test_the_same_bytes_give_the_same_picture(self):
        data = encoded(picture())
        assert reencode(data) == reencode(data)

    @pytest.mark.parametrize(
        ("mode", "kind"),
        [
            ("CMYK", "JPEG"),
            ("L", "JPEG"),
            ("P", "PNG"),
            ("1", "PNG"),
            ("LA", "PNG"),
            ("RGBA", "WEBP"),
        ],
    )
    def test_every_colour_mode_keeps_its_light_and_dark(self, mode, kind):
        image = decoded(reencode(encoded(picture(mode=mode), kind)).data)
        assert image.mode == "RGB"
        if mode in {"CMYK", "P", "RGBA"}:
            assert close(image.getpixel((5, 10)), RED, by=60)

    def test_sixteen_bit_grey_is_not_burnt_out(self):
        data = encoded(Image.new("I;16", (4, 4), 0x8000), "PNG")
        assert close(decoded(reencode(data).data).getpixel((1, 1)), (128, 128, 128), by=3)

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_what_is_transparent_becomes_white(self, mode):
        image = Image.new(mode, (20, 20), 0)
        assert decoded(reencode(encoded(image, "PNG")).data).getpixel((9, 9)) == (255, 255, 255)

    def test_a_transparent_palette_colour_becomes_white(self):
        data = encoded(Image.new("P", (20, 20), 0), "PNG", transparency=0)
        assert decoded(reencode(data).data).getpixel((9, 9)) == (255, 255, 255)

    def test_one_pixel_is_a_picture(self):
        kept = reencode(encoded(picture((1, 1)), "PNG"))
        assert (kept.width, kept.height) == (1, 1)

    @pytest.mark.parametrize(
        ("size", "shrunk"),
        [((3200, 2400), (1600, 1200)), ((1600, 1600), (1600, 1600)), ((20000, 1), (1600, 1))],
    )
    def test_a_large_picture_is_shrunk_and_a_small_one_is_not_enlarged(self, size, shrunk):
        kept = reencode(encoded(picture(size), "PNG"))
        assert (kept.width, kept.height) == shrunk

    @pytest.mark.parametrize(
        ("orientation", "size", "red"),
        [
            (1, (40, 20), (5, 10)),
            (2, (40, 20), (35, 10)),
            (3, (40, 20), (35, 10)),
            (4, (40, 20), (5, 10)),
            (5, (20, 40), (10, 5)),
            (6, (20, 40), (10, 5)),
            (7, (20, 40), (10, 35)),
            (8, (20, 40), (10, 35)),
            (9, (40, 20), (5, 10)),
        ],
    )
    def test_a_photo_is_turned_upright(self, orientation, size, red):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = decoded(reencode(encoded(picture(), exif=exif)).data)
        assert image.size == size
        assert close(image.getpixel(red), RED)

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
    def test_broken_exif_does_not_cost_the_photo(self):
        assert reencode(encoded(picture(), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")).width == 40

    def test_of_a_phones_double_picture_the_first_is_taken(self):
        data = encoded(picture(), "MPO", save_all=True, append_images=[picture((8, 8))])
        assert decoded(data).format == "MPO"
        assert (reencode(data).width, decoded(reencode(data).data).format) == (40, "JPEG")


class TestWhatTheCameraWrote:
    def test_time_and_place_are_read_and_not_kept(self):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = "2026:09:01 08:30:00"
        gps = exif.get_ifd(0x8825)
        gps[1], gps[2], gps[3], gps[4] = "N", (37.0, 22.0, 30.0), "E", (118.0, 1.0, 12.0)
        drawn = reencode(encoded(picture(), exif=exif))
        assert drawn.taken == Taken(datetime(2026, 9, 1, 0, 30, tzinfo=UTC), 118.02, 37.375)
        assert reencode(drawn.data).taken == Taken()
        exif.get_ifd(0x8769)[0x9011] = "+00:00"
        gps[1], gps[3] = "S", "W"
        drawn = reencode(encoded(picture(), exif=exif))
        assert drawn.taken == Taken(datetime(2026, 9, 1, 8, 30, tzinfo=UTC), -118.02, -37.375)

    @pytest.mark.parametrize(
        ("at", "north"), [("0000:00:00 00:00:00", (99.0, 0.0, 0.0)), ("\0", (1.0,)), ("x", ())]
    )
    def test_what_is_broken_is_not_known(self, at, north):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = at
        gps = exif.get_ifd(0x8825)
        gps[1], gps[2], gps[3], gps[4] = "N", north, "E", (118.0, 1.0, 12.0)
        assert reencode(encoded(picture(), exif=exif)).taken == Taken()


class TestWhatSurvives:
    def test_nothing_of_the_camera_or_the_position(self):
        exif = Image.Exif()
        exif[0x010F] = "SECRET-MAKER"
        exif.get_ifd(0x8825)[0x001D] = "2026:03:05"
        exif.get_ifd(0x8825)[0x0002] = (37.0, 41.0, 59.0)
        exif.get_ifd(0x8769)[0x927C] = b"SECRET-NOTE"
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = encoded(
            picture(), exif=exif, icc_profile=profile, comment=b"SECRET-COMMENT", xmp=b"SECRET-XMP"
        )
        for secret in (b"SECRET", b"Exif", b"2026:03:05", b"ICC_PROFILE", b"XMP"):
            assert secret in data
        kept = reencode(data).data
        for secret in (b"SECRET", b"Exif", b"2026:03:05", b"ICC_PROFILE", b"XMP", b"GPS"):
            assert secret not in kept
        assert not decoded(kept).getexif()
        assert set(decoded(kept).info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "progressive",
            "progression",
        }

    def test_a_text_chunk_of_a_png_is_gone(self):
        data = encoded(picture(), "PNG")
        data = data[:33] + png_chunk(b"tEXt", b"Comment\x00SECRET-PAYLOAD") + data[33:]
        assert b"SECRET" not in reencode(data).data

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    @pytest.mark.parametrize(
        "tail", [archive(), b"<html><script>SECRET-PAYLOAD</script>", b"%PDF-1.7 SECRET-PAYLOAD"]
    )
    def test_what_is_appended_is_gone(self, kind, tail):
        kept = reencode(encoded(picture(), kind) + tail).data
        assert b"SECRET-PAYLOAD" not in kept
        assert b"payload.txt" not in kept
        assert not zipfile.is_zipfile(io.BytesIO(kept))
        assert kept.endswith(b"\xff\xd9")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "data",
        [
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<?xml version='1.0'?><svg/>",
            b"<!doctype html><p>",
            b"%PDF-1.7\n",
            b"PK\x03\x04",
            b"\n",
            b"\xff\xd8",
            b"<html>" + encoded(picture()),
            b"%PDF-1.7\n" + encoded(picture()),
            encoded(picture(), "GIF"),
            encoded(picture(), "BMP"),
            encoded(picture(), "TIFF"),
            encoded(picture(), "ICO"),
            b"RIFF\x10\x00\x00\x00WAVEfmt ",
            b"\x00\x00\x00\x18ftypmp42",
        ],
    )
    def test_other_kinds_are_refused_by_their_first_bytes(self, data):
        assert refusal(data).code == "picture-kind"

    @pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"hevc"])
    def test_a_heic_photo_is_refused_by_its_own_name(self, brand):
        assert refusal(b"\x00\x00\x00\x18ftyp" + brand + bytes(16)).code == "picture-heic"

    def test_nothing_is_no_picture(self):
        assert refusal(b"").code == "picture-empty"

    def test_too_many_bytes_are_refused_with_the_limit(self):
        error = refusal(encoded(picture()), max_bytes=100)
        assert (error.code, error.params) == ("picture-too-many-bytes", {"limit": 100})

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_a_moving_picture_is_refused(self, kind):
        frames = [picture(), picture().transpose(Image.Transpose.ROTATE_180)]
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        assert refusal(data).code == "picture-animated"

    @pytest.mark.parametrize(
        "bomb",
        [
            png_bomb(60_000, 60_000),
            png_bomb(10_000, 9_000),
            png_bomb(2**31 - 1, 2**31 - 1),
            jpeg_bomb(60_000, 60_000),
            jpeg_bomb(10_000, 9_000),
            webp_bomb(16_383, 16_383),
            webp_bomb(2**24, 2**8 - 1),
        ],
        ids=["png", "png-90m", "png-huge", "jpeg", "jpeg-90m", "webp", "webp-wide"],
    )
    def test_a_bomb_is_refused_from_its_header_in_little_time_and_memory(self, bomb, monkeypatch):
        def explode(*_):
            raise AssertionError("decoded")

        monkeypatch.setattr(ImageFile.ImageFile, "load", explode)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        error = refusal(bomb)
        taken = time.perf_counter() - start
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB on Linux
        assert error.code == "picture-too-many-pixels"
        assert taken < 1
        assert grown < 32 * 1024

    @pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
    @pytest.mark.parametrize("bomb", [png_bomb(10_000, 9_000), jpeg_bomb(10_000, 9_000)])
    def test_a_bomb_is_refused_where_warnings_are_not_errors_too(self, bomb):
        assert refusal(bomb).code == "picture-too-many-pixels"

    def test_the_limit_of_pixels_counts_both_sides(self):
        data = encoded(picture((40, 20)), "PNG")
        assert reencode(data, max_pixels=800).width == 40
        error = refusal(data, max_pixels=799)
        assert (error.code, error.params) == ("picture-too-many-pixels", {"limit": 799})

    @pytest.mark.parametrize("mode", ["lossy", "lossless", "alpha"])
    def test_the_canvas_of_each_webp_form_is_read(self, mode):
        image = picture((41, 23), "RGBA" if mode == "alpha" else "RGB")
        if mode == "alpha":
            image.putalpha(90)
        data = encoded(image, "WEBP", lossless=mode == "lossless")
        assert images._webp_size(data) == (41, 23)
        assert refusal(data, max_pixels=41 * 23 - 1).code == "picture-too-many-pixels"

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_picture_cut_short_is_refused(self, kind, share):
        noisy = Image.effect_noise((64, 64), 80).convert("RGB")
        data = encoded(noisy, kind)
        assert refusal(data[: int(len(data) * share)]).code == "picture-unreadable"

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.data())
    def test_damaged_bytes_are_kept_as_a_picture_or_refused_by_code(self, kind, data):
        damaged = bytearray(encoded(picture(), kind))
        for _ in range(data.draw(st.integers(1, 8))):
            place = data.draw(st.integers(12, len(damaged) - 1))
            damaged[place] = data.draw(st.integers(0, 255))
        try:
            kept = reencode(bytes(damaged))
        except PictureError as refused:
            code = refused.code
        else:
            code = "picture-kept"
            assert decoded(kept.data).format == "JPEG"
        assert code.startswith("picture-")

    @settings(deadline=None)
    @given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
    def test_any_bytes_are_refused_by_code(self, body, head):
        assert refusal(head + body).code.startswith("picture-")


class TestOffTheEventLoop:
    async def test_the_loop_goes_on_while_a_picture_is_drawn(self):
        kept = await reencode_async(encoded(picture()), asyncio.Semaphore(1))
        assert kept == reencode(encoded(picture()))

    async def test_without_a_gate_two_are_drawn_at_once(self, monkeypatch):
        at_once, most, lock = 0, 0, threading.Lock()

        def slow(_data, **_):
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            time.sleep(0.05)
            with lock:
                at_once -= 1

        monkeypatch.setattr(images, "reencode", slow)
        await asyncio.gather(*(reencode_async(b"x") for _ in range(6)))
        assert most == 2

    async def test_a_refusal_comes_through(self):
        with pytest.raises(PictureError):
            await reencode_async(b"", asyncio.Semaphore(1))

    async def test_a_caller_that_goes_away_keeps_its_place_until_the_work_has_ended(
        self, monkeypatch
    ):
        begun, may_end = threading.Event(), threading.Event()

        def slow(_data, **_):
            begun.set()
            may_end.wait(10)

        monkeypatch.setattr(images, "reencode", slow)
        gate = asyncio.Semaphore(1)
        task = asyncio.create_task(reencode_async(b"x", gate))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert gate.locked()
        may_end.set()
        async with asyncio.timeout(10), gate:
            pass


def photographed(at=None, zone=None, north=None, east=None, sides=("N", "E")):
    """Return a photo into which a camera wrote when and where."""
    exif = Image.Exif()
    details = exif.get_ifd(0x8769)
    if at is not None:
        details[0x9003] = at
    if zone is not None:
        details[0x9011] = zone
    if north is not None:
        exif.get_ifd(0x8825).update({1: sides[0], 2: north, 3: sides[1], 4: east})
    return encoded(picture(), exif=exif)


@pytest.mark.parametrize(
    ("written", "at", "place"),
    [
        ({}, None, None),
        ({"at": "2026:09:01 08:59:03"}, "2026-09-01T08:59:03+08:00", None),
        ({"at": "2026:09:01 08:59:03", "zone": "+00:00"}, "2026-09-01T08:59:03+00:00", None),
        ({"at": "2026:09:01 08:59:03", "zone": "noon"}, "2026-09-01T08:59:03+08:00", None),
        ({"at": "0000:00:00 00:00:00", "zone": "+08:00"}, None, None),
        ({"at": "1970:01:01 00:00:00"}, None, None),
        ({"at": "9999:12:31 23:59:59", "zone": "-08:00"}, None, None),
        ({"north": (37, 30, 36), "east": (118, 7, 48)}, None, (118.13, 37.51)),
        ({"north": (37, 30, 36), "east": (118, 7, 48), "sides": "SW"}, None, (-118.13, -37.51)),
        ({"north": (0, 0, 0), "east": (0, 0, 0)}, None, None),
        ({"north": (97, 30, 36), "east": (118, 7, 48)}, None, None),
    ],
)
def test_what_the_camera_wrote_is_told_and_does_not_stay(written, at, place):
    drawn = reencode(photographed(**written))
    assert (drawn.taken.at and drawn.taken.at.isoformat()) == at
    found = (drawn.taken.longitude, drawn.taken.latitude)
    assert found == ((None, None) if place is None else pytest.approx(place, abs=1e-6))
    assert not decoded(drawn.data).getexif()


def test_places_of_photos_are_compared_in_metres():
    (east, north) = (118.13, 37.51)
    taken = reencode(photographed(north=(37, 30, 36), east=(118, 7, 48))).taken
    assert taken.metres_from(east, north) == pytest.approx(0, abs=1)
    assert taken.metres_from(east, north + 0.01) == pytest.approx(1112, abs=2)
    assert taken.metres_from(None, north) is None
    assert Taken().metres_from(east, north) is None


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_whatever_stands_where_a_camera_writes_a_photo_is_drawn(junk):
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + junk
    drawn = reencode(encoded(picture(), exif=exif))
    assert drawn.taken == Taken() or drawn.taken.at or drawn.taken.latitude is not None
