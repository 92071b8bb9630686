/** Small pictures that go with a message, made here. */
import { toBase64 } from "../../../../sdk/typescript/src/bytes.js";
import { HEAD, type Picture, pictureOf } from "../lib/picture.js";

/** The longer side, in pixels. */
const SIDE = 320;
/** Most bytes: both copies of a message must have room for it. */
const MAX_BYTES = 20_000;
const QUALITIES = [0.75, 0.55, 0.35, 0.2];

/** Returns what picture a file is, by its own bytes. */
export async function pictureIn(file: Blob): Promise<Picture | null> {
  return pictureOf(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
}

/** Returns a small JPEG of a picture in base64, or `null` when a file is none. */
export async function thumbnailOf(file: Blob): Promise<string | null> {
  try {
    const picture = await pictureIn(file);
    if (!picture) return null;
    const isLarge = Math.max(picture.width, picture.height) > 2 * SIDE;
    const typed = file.slice(0, file.size, picture.type);
    // Decoded small already: memory for all pixels of a photo is large.
    const options: ImageBitmapOptions = isLarge ? { resizeWidth: 2 * SIDE, resizeQuality: "high" } : {};
    const bitmap = await createImageBitmap(typed, options);
    const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
    const canvas = new OffscreenCanvas(width!, height!);
    const context = canvas.getContext("2d")!;
    context.fillStyle = "white";
    context.fillRect(0, 0, width!, height!);
    context.drawImage(bitmap, 0, 0, width!, height!);
    bitmap.close();
    for (const quality of QUALITIES) {
      const small = await canvas.convertToBlob({ type: "image/jpeg", quality });
      if (small.size <= MAX_BYTES) return toBase64(new Uint8Array(await small.arrayBuffer()));
    }
  } catch {
    // A picture that this browser cannot read is a file like any other.
  }
  return null;
}
