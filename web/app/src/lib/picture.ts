/** What pictures are, by their own first bytes: never by a name or a type that somebody wrote. Pure. */

/** A picture of a kind that is shown: pixels and nothing else, so no SVG. */
export interface Picture {
  type: "image/jpeg" | "image/png" | "image/webp";
  /** Pixels. */
  width: number;
  height: number;
}

/** Bytes in which the size of a picture is found, with room for what cameras write before it. */
export const HEAD = 524_288;
/** Most pixels that are decoded: a small file may hold more than a browser has memory for. */
const MAX_PIXELS = 100_000_000;

/** Reads the head of a file. Returns `null` for what is no such picture, or has too many pixels. */
export function pictureOf(head: Uint8Array): Picture | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let found: Picture | null = null;
  try {
    found = jpeg(view) ?? png(view) ?? webp(view);
  } catch {
    // It ends too early.
  }
  if (!found || found.width * found.height === 0 || found.width * found.height > MAX_PIXELS) return null;
  return found;
}

/** ITU-T T.81, B.2.2: the size is in the header of the frame. */
function jpeg(view: DataView): Picture | null {
  if (view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; ;) {
    const marker = view.getUint16(at);
    if (marker < 0xff01) return null;
    // Fill bytes may stand before a marker.
    if (marker === 0xffff) at += 1;
    else if (isFrame(marker & 0xff)) {
      return { type: "image/jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    } else at += 2 + Math.max(2, view.getUint16(at + 2));
  }
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** RFC 2083, 4.1.1. */
function png(view: DataView): Picture | null {
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a || text(view, 12) !== "IHDR") return null;
  return { type: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}

/** RFC 9649: the first chunk says the size, in one of three ways. */
function webp(view: DataView): Picture | null {
  if (text(view, 0) !== "RIFF" || text(view, 8) !== "WEBP") return null;
  const type = "image/webp";
  switch (text(view, 12)) {
    case "VP8 ":
      return { type, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { type, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X":
      return { type, width: (view.getUint32(24, true) & 0xffffff) + 1, height: (view.getUint32(26, true) >>> 8) + 1 };
    default:
      return null;
  }
}

function text(view: DataView, at: number): string {
  return String.fromCharCode(...Array.from({ length: 4 }, (_, index) => view.getUint8(at + index)));
}
