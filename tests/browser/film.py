"""Things for lessons, made on the spot: a picture, a film with its captions, a sheet to print."""

import base64
import math
from io import BytesIO

from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Page
from pypdf import PdfWriter

_RECORD = """async ([width, height, seconds]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const brush = canvas.getContext("2d");
  const draw = (part) => {
    brush.fillStyle = "#dcebe3";
    brush.fillRect(0, 0, width, height);
    brush.fillStyle = "#7a4a2b";
    brush.fillRect(0, height * 0.72, width, height * 0.28);
    brush.strokeStyle = "#1d7a46";
    brush.lineWidth = height / 30;
    brush.beginPath();
    brush.moveTo(width / 2, height * 0.72);
    brush.lineTo(width / 2, height * (0.72 - 0.5 * part));
    brush.stroke();
    brush.fillStyle = "#2fa35f";
    for (const side of [-1, 1]) {
      brush.beginPath();
      const size = (height / 7) * part;
      brush.ellipse(width / 2 + side * size, height * (0.72 - 0.5 * part), size, size / 2,
        side * -0.5, 0, 7);
      brush.fill();
    }
  };
  draw(0);
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const ended = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  for (let step = 1; step <= 25 * seconds; step += 1) {
    await new Promise((resolve) => setTimeout(resolve, 40));
    draw(step / (25 * seconds));
  }
  recorder.stop();
  await ended;
  const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}"""

CAPTIONS = b"""WEBVTT

00:00.000 --> 00:01.000
A seed wakes.

00:01.000 --> 00:09.000
Within a week it is a seedling.
"""


def film(page: Page, *, seconds: float = 1, size: tuple[int, int] = (320, 180)) -> FilePayload:
    """Have the browser record a film of a seedling."""
    encoded: str = page.evaluate(_RECORD, [*size, seconds])
    return _file("seedling.webm", "video/webm", base64.b64decode(encoded))


def captions() -> FilePayload:
    """Return captions of the film."""
    return _file("seedling.vtt", "text/vtt", CAPTIONS)


def picture(width: int = 800, height: int = 450) -> FilePayload:
    """Return a picture of a leaf."""
    wide, high, middle = 3 * width, 3 * height, 1.5 * height  # drawn large, for smooth edges
    drawn = Image.new("RGB", (wide, high), "#eef4ee")
    brush = ImageDraw.Draw(drawn)
    start, length = wide * 0.2, wide * 0.64

    def edge(part: float) -> float:
        return high * 0.38 * math.sin(math.pi * part**0.8)

    steps = [step / 100 for step in range(101)]
    for side, color in ((-1, "#3d9c64"), (1, "#2f8a55")):
        rim = [(start + length * part, middle + side * edge(part)) for part in steps]
        brush.polygon([(start, middle), *rim], fill=color)
    vein = "#d6ecd9"
    for part in (0.14, 0.26, 0.38, 0.50, 0.62, 0.74):
        for side in (-1, 1):
            tip = part + 0.12
            end = (start + length * tip, middle + side * 0.8 * edge(tip))
            brush.line((start + length * part, middle, *end), fill=vein, width=high // 120)
    brush.line((wide * 0.08, middle, start, middle), fill="#2f8a55", width=high // 40)
    brush.line((start, middle, start + length * 0.97, middle), fill=vein, width=high // 80)
    kept = BytesIO()
    drawn.resize((width, height), Image.Resampling.LANCZOS).save(kept, "PNG")
    return _file("leaf.png", "image/png", kept.getvalue())


def logo() -> FilePayload:
    """Return a school's logo, on nothing."""
    drawn = Image.new("RGBA", (256, 256))
    brush = ImageDraw.Draw(drawn)
    brush.ellipse((8, 8, 248, 248), fill="#1d7a46")
    brush.ellipse((72, 92, 184, 164), fill="#dcebe3")
    kept = BytesIO()
    drawn.save(kept, "PNG")
    return _file("logo.png", "image/png", kept.getvalue())


def sheet() -> FilePayload:
    """Return a sheet to print."""
    kept = BytesIO()
    written = PdfWriter()
    written.add_blank_page(595, 842)
    written.write(kept)
    return _file("watering-plan.pdf", "application/pdf", kept.getvalue())


def _file(name: str, media_type: str, content: bytes) -> FilePayload:
    return FilePayload(name=name, mimeType=media_type, buffer=content)
