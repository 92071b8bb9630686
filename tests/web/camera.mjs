// What a camera sees in the tests. Chromium reads it from a file; Firefox has no such file, and gets the stream of a
// canvas in place of that of a camera.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [WIDTH, HEIGHT] = [1280, 720];

export class Camera {
  #dir = mkdtempSync(join(tmpdir(), "fluent-camera-"));
  /** The file of the camera, as Chromium wants it. */
  file = join(this.#dir, "seen.y4m");

  constructor() {
    this.#write(new Uint8Array(WIDTH * HEIGHT).fill(128));
  }

  /** What makes Chromium take the file for a camera. */
  get arguments() {
    return ["--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${this.file}`];
  }

  /** Lets a person's browser use the camera. */
  async allow(person) {
    if (!person.isFirefox) await person.context.grantPermissions(["camera"], { origin: person.server.origin });
  }

  /** Holds a picture in front of the camera of a person. */
  async show(person, png) {
    const luma = await person.page.evaluate(takePicture, [png.toString("base64"), WIDTH, HEIGHT, person.isFirefox]);
    this.#write(Buffer.from(luma, "base64"));
  }

  remove() {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Two frames of grey, as YUV4MPEG2: the brightness of each pixel, and no colours. */
  #write(luma) {
    const colours = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
    const frame = [Buffer.from("FRAME\n"), luma, colours];
    const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`);
    writeFileSync(this.file, Buffer.concat([head, ...frame, ...frame]));
  }
}

/** In the page: draws a picture somewhat crooked, as somebody holds a phone, and returns how bright each pixel is. */
async function takePicture([base64, width, height, isOwnCamera]) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.fillStyle = "#777";
  context.fillRect(0, 0, width, height);
  context.translate(width / 2 + 20, height / 2 - 10);
  context.rotate(0.1);
  const side = height * 0.6;
  context.drawImage(picture, -side / 2, -side / 2, side, (side * picture.height) / picture.width);
  const { data } = context.getImageData(0, 0, width, height);
  const luma = new Uint8Array(width * height);
  for (let at = 0; at < luma.length; at += 1) {
    const [red, green, blue] = data.subarray(at * 4, at * 4 + 3);
    luma[at] = 0.299 * red + 0.587 * green + 0.114 * blue;
  }
  if (isOwnCamera) {
    // A canvas that is not drawn anew sends nothing.
    setInterval(() => context.drawImage(picture, 0, 0, 1, 1), 100);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10);
  }
  let text = "";
  for (let at = 0; at < luma.length; at += 8192) text += String.fromCharCode(...luma.subarray(at, at + 8192));
  return btoa(text);
}
