"""Inputs and expected outputs for src/media/oracle_test.cc, made by OpenCV, Pillow and numpy.

usage: media_oracle.py FOLDER

Writes images and arrays into FOLDER, and cases.txt: one case a line, the kind first (see each function below).
"""
import pathlib
import struct
import sys
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

CV_FILTERS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA, "bicubic": cv2.INTER_CUBIC}
PIL_FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "area": Image.BOX, "bicubic": Image.BICUBIC}
INPUT_SIZES = [(64, 48), (37, 53), (1, 1), (5, 1), (200, 150)]
OUTPUT_SIZES = [(32, 24), (64, 48), (128, 96), (31, 17), (7, 5), (1, 1), (100, 30), (224, 224)]


class Writer:
    def __init__(self, folder):
        self.folder = folder
        self.lines = []

    def image(self, name, array):
        """array: uint8, [h, w] or [h, w, 3] in RGB order"""
        Image.fromarray(array).save(self.folder / name)
        return name

    def array(self, name, array):
        np.save(self.folder / name, np.ascontiguousarray(array, np.float32))
        return name

    def case(self, *words):
        self.lines.append(" ".join(str(word) for word in words))


def photo(width, height, seed):
    """Smooth gradients, edges and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 100 * np.sin(x / 7 + c) * np.cos(y / 5 - c) for c in range(3)]
    picture = np.stack(planes, axis=-1) + rng.normal(0, 20, (height, width, 3))
    picture[height // 3 : height // 2, width // 4 : width // 2] = (250, 5, 130)
    return np.clip(picture, 0, 255).astype(np.uint8)


def pil_resize(picture, size, code):
    """Across, then down: the order of every Pillow up to 12 (later ones go down first when that costs less, which moves
    bytes by a level, bicubic ones by more)."""
    return np.asarray(picture.resize((size[0], picture.height), code).resize(size, code))


def resize_cases(out):
    """resize STYLE FILTER INPUT OUTPUT"""
    for i, (width, height) in enumerate(INPUT_SIZES):
        source = photo(width, height, i)
        name = out.image(f"in{i}.ppm", source)
        for size in OUTPUT_SIZES:
            for filter_name, code in CV_FILTERS.items():
                result = cv2.resize(source, size, interpolation=code)
                out.case("resize", "opencv", filter_name, name, out.image(f"cv_{filter_name}_{i}_{size[0]}x{size[1]}.ppm", result))
            for filter_name, code in PIL_FILTERS.items():
                result = pil_resize(Image.fromarray(source), size, code)
                out.case("resize", "pil", filter_name, name, out.image(f"pil_{filter_name}_{i}_{size[0]}x{size[1]}.ppm", result))


def float_resize_cases(out):
    """resizef STYLE FILTER INPUT OUTPUT: f32, one channel, [h, w]"""
    source = photo(61, 43, 9)[..., 0].astype(np.float32) / 3 - 20
    name = out.array("float_in.npy", source)
    for size in OUTPUT_SIZES:
        for filter_name in CV_FILTERS:
            result = cv2.resize(source, size, interpolation=CV_FILTERS[filter_name])
            out.case("resizef", "opencv", filter_name, name, out.array(f"cvf_{filter_name}_{size[0]}x{size[1]}.npy", result))
            result = pil_resize(Image.fromarray(source), size, PIL_FILTERS[filter_name])
            out.case("resizef", "pil", filter_name, name, out.array(f"pilf_{filter_name}_{size[0]}x{size[1]}.npy", result))


def plain_axis(size_in, size_out, convention):
    index = np.arange(size_out, dtype=np.float32)
    scale = np.float32(size_in) / np.float32(size_out)
    if convention == "align-corners" and size_out > 1:
        scale = np.float32(size_in - 1) / np.float32(size_out - 1)
    position = (index + np.float32(0.5)) * scale - np.float32(0.5) if convention == "half-pixel" else index * scale
    low = np.floor(position)
    last = size_in - 1
    return np.clip(low, 0, last).astype(int), np.clip(np.ceil(position), 0, last).astype(int), position - low


def plain_bilinear(source, size, convention):
    """TensorFlow's ResizeBilinear, each step in float32."""
    left, right, fx = plain_axis(source.shape[1], size[0], convention)
    top, bottom, fy = plain_axis(source.shape[0], size[1], convention)
    fx = fx[None, :, None]
    across = lambda rows: rows[:, left] + (rows[:, right] - rows[:, left]) * fx
    upper, lower = across(source[top]), across(source[bottom])
    return upper + (lower - upper) * fy[:, None, None]


def plain_cases(out):
    """plain CONVENTION INPUT OUTPUT: u8 in, f32 [h, w, 3] out"""
    source = photo(83, 59, 11)
    name = out.image("plain_in.ppm", source)
    for convention in ("half-pixel", "align-corners", "asymmetric"):
        for size in OUTPUT_SIZES:
            result = plain_bilinear(source.astype(np.float32), size, convention)
            out.case("plain", convention, name, out.array(f"plain_{convention}_{size[0]}x{size[1]}.npy", result))


def letterbox(source, width, height, stride):
    """As YOLOv5's and Ultralytics' letterbox()."""
    ratio = min(height / source.shape[0], width / source.shape[1])
    new = (round(source.shape[1] * ratio), round(source.shape[0] * ratio))
    pad_x, pad_y = width - new[0], height - new[1]
    if stride:
        pad_x, pad_y = pad_x % stride, pad_y % stride
    pad_x, pad_y = pad_x / 2, pad_y / 2
    scaled = cv2.resize(source, new, interpolation=cv2.INTER_LINEAR)
    top, bottom = round(pad_y - 0.1), round(pad_y + 0.1)
    left, right = round(pad_x - 0.1), round(pad_x + 0.1)
    return cv2.copyMakeBorder(scaled, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))


def letterbox_cases(out):
    """letterbox WIDTH HEIGHT STRIDE INPUT OUTPUT"""
    for i, (width, height) in enumerate([(200, 150), (97, 211), (640, 427), (33, 32)]):
        source = photo(width, height, 20 + i)
        name = out.image(f"box_in{i}.ppm", source)
        for target in [(320, 320), (64, 96), (224, 160)]:
            for stride in (0, 32):
                result = letterbox(source, *target, stride)
                out.case("letterbox", *target, stride, name, out.image(f"box_{i}_{target[0]}x{target[1]}_{stride}.ppm", result))


def grey_cases(out):
    """grey INPUT OUTPUT"""
    source = np.concatenate([photo(100, 80, 30), np.random.default_rng(1).integers(0, 256, (80, 300, 3), np.uint8)], 1)
    expected = cv2.cvtColor(source, cv2.COLOR_RGB2GRAY)
    out.case("grey", out.image("grey_in.ppm", source), out.image("grey_out.pgm", expected))


def decode(out, name, tolerance):
    """decode FILE EXPECTED TOLERANCE: the file as PIL reads it, upright, in RGB"""
    with Image.open(out.folder / name) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    out.case("decode", name, out.image(name.replace(".", "_") + "_rgb.ppm", expected), tolerance)


def jpeg_cases(out):
    picture = Image.fromarray(photo(67, 45, 40))
    for sampling in (0, 1, 2):
        picture.save(out.folder / f"s{sampling}.jpg", quality=90, subsampling=sampling)
        decode(out, f"s{sampling}.jpg", 3)
    picture.save(out.folder / "progressive.jpg", quality=85, progressive=True)
    picture.convert("L").save(out.folder / "grey.jpg", quality=90)
    picture.convert("CMYK").save(out.folder / "cmyk.jpg", quality=95)
    for name in ("progressive", "grey", "cmyk"):
        decode(out, f"{name}.jpg", 3)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(out.folder / f"exif{orientation}.jpg", quality=90, exif=exif)
        decode(out, f"exif{orientation}.jpg", 3)


def interlaced_png(source):
    """Adam7, which Pillow reads but does not write: seven pictures of ever more pixels, filter 0 on every row."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b""
    for x, y, step_x, step_y in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        rows += b"".join(b"\0" + row.tobytes() for row in source[y::step_y, x::step_x])
    header = struct.pack(">IIBBBBB", source.shape[1], source.shape[0], 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png_cases(out):
    source = photo(67, 45, 50)
    picture = Image.fromarray(source)
    variants = {
        "rgb": picture,
        "palette": picture.quantize(200),
        "palette4": picture.quantize(13),
        "grey": picture.convert("L"),
        "bit": picture.convert("1"),
        "rgba": Image.fromarray(np.dstack([source, source[..., 0]])),
        "la": Image.fromarray(np.dstack([source[..., 1], source[..., 0]]), "LA"),
    }
    for name, variant in variants.items():
        variant.save(out.folder / f"{name}.png")
        decode(out, f"{name}.png", 0)
    picture.quantize(50).save(out.folder / "palette_trns.png", transparency=3)
    picture.save(out.folder / "rgb_trns.png", transparency=(250, 5, 130))
    decode(out, "palette_trns.png", 0)
    decode(out, "rgb_trns.png", 0)
    (out.folder / "interlaced.png").write_bytes(interlaced_png(source))
    decode(out, "interlaced.png", 0)
    deep_alpha = np.random.default_rng(4).integers(0, 65536, (45, 67, 4)).astype(np.uint16)
    cv2.imwrite(str(out.folder / "deep_rgba.png"), deep_alpha[..., [2, 1, 0, 3]])
    out.case("decode", "deep_rgba.png", out.image("deep_rgba_out.ppm", (deep_alpha[..., :3] >> 8).astype(np.uint8)), 0)
    deep = np.random.default_rng(2).integers(0, 65536, (45, 67, 3)).astype(np.uint16)
    cv2.imwrite(str(out.folder / "deep_rgb.png"), deep[..., ::-1])
    out.case("decode", "deep_rgb.png", out.image("deep_rgb_out.ppm", (deep >> 8).astype(np.uint8)), 0)
    cv2.imwrite(str(out.folder / "deep_grey.png"), deep[..., 0])
    grey = np.repeat((deep[..., :1] >> 8).astype(np.uint8), 3, axis=2)
    out.case("decode", "deep_grey.png", out.image("deep_grey_out.ppm", grey), 0)


def bmp_and_pnm_cases(out):
    picture = Image.fromarray(photo(67, 45, 60))
    for name, variant in {"rgb": picture, "p": picture.quantize(99), "l": picture.convert("L"), "b": picture.convert("1"),
                          "rgba": picture.convert("RGBA")}.items():
        variant.save(out.folder / f"{name}.bmp")
        decode(out, f"{name}.bmp", 0)
    picture.convert("1").save(out.folder / "bit.pbm")
    decode(out, "bit.pbm", 0)
    deep = np.random.default_rng(3).integers(0, 65536, (45, 67)).astype(np.uint16)
    cv2.imwrite(str(out.folder / "deep.pgm"), deep)
    (out.folder / "deep.ppm").write_bytes(b"P6 67 15 65535\n" + deep.astype(">u2").tobytes())
    triples = deep.reshape(15, 67, 3)
    out.case("decode", "deep.ppm", out.image("deep_ppm_out.ppm", np.floor(triples * 255.0 / 65535 + 0.5).astype(np.uint8)), 0)
    for kind, array in (("P3", np.asarray(picture)), ("P2", np.asarray(picture.convert("L")))):
        name = f"plain_{kind}.ppm"
        numbers = "\n".join(" ".join(map(str, row.ravel())) for row in array)
        (out.folder / name).write_text(f"{kind}\n# plain\n67 45\n255\n{numbers}\n")
        decode(out, name, 0)
    grey = np.repeat(np.floor(deep[..., None] * 255.0 / 65535 + 0.5).astype(np.uint8), 3, axis=2)
    out.case("decode", "deep.pgm", out.image("deep_pgm_out.ppm", grey), 0)


def webp_cases(out):
    source = photo(67, 45, 70)
    picture = Image.fromarray(source)
    alpha = Image.fromarray(np.dstack([source, source[..., 0]]))
    picture.save(out.folder / "lossy.webp", quality=80)
    alpha.save(out.folder / "lossy_alpha.webp", quality=80)
    picture.save(out.folder / "lossless.webp", lossless=True)
    alpha.save(out.folder / "lossless_alpha.webp", lossless=True, exact=True)
    for name in ("lossy", "lossy_alpha", "lossless", "lossless_alpha"):
        decode(out, f"{name}.webp", 0)
    for orientation in (3, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(out.folder / f"exif{orientation}.webp", lossless=True, exif=exif)
        decode(out, f"exif{orientation}.webp", 0)


def tiff_cases(out):
    source = photo(67, 45, 80)
    picture = Image.fromarray(source)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        picture.save(out.folder / f"{compression}.tif", compression=compression)
        decode(out, f"{compression}.tif", 0)
    variants = {"palette": picture.quantize(200), "grey": picture.convert("L"), "bit": picture.convert("1"),
                "rgba": Image.fromarray(np.dstack([source, source[..., 0]]))}
    for name, variant in variants.items():
        variant.save(out.folder / f"{name}.tif")
        decode(out, f"{name}.tif", 0)
    for orientation in range(1, 9):
        picture.save(out.folder / f"turned{orientation}.tif", tiffinfo={274: orientation})
        decode(out, f"turned{orientation}.tif", 0)


def jpeg2000_cases(out):
    source = photo(67, 45, 90)
    picture = Image.fromarray(source)
    alpha = Image.fromarray(np.dstack([source, source[..., 0]]))
    for name, variant in {"rgb.jp2": picture, "rgb.j2k": picture, "grey.jp2": picture.convert("L"), "alpha.jp2": alpha}.items():
        variant.save(out.folder / name)
        decode(out, name, 0)
    picture.save(out.folder / "lossy.jp2", irreversible=True, quality_mode="dB", quality_layers=[38])
    decode(out, "lossy.jp2", 1)
    picture.save(out.folder / "tiles.jp2", tile_size=(32, 16))
    decode(out, "tiles.jp2", 0)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    out = Writer(folder)
    for make in (resize_cases, float_resize_cases, plain_cases, letterbox_cases, grey_cases, jpeg_cases, png_cases,
                 bmp_and_pnm_cases, webp_cases, tiff_cases, jpeg2000_cases):
        make(out)
    (folder / "cases.txt").write_text("\n".join(out.lines) + "\n")
    print(f"{len(out.lines)} cases in {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
