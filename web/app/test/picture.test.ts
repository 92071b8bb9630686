import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bytes, fileName } from "../src/lib/format.js";
import { pictureOf } from "../src/lib/picture.js";

const of = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const JPEG = of("ffd8 ffe0 0010 4a46494600010100000100010000 ffff c0 0011 08 00f0 0140 03 012200 021101 031101");
const LOSSY = of("52494646 00000000 57454250 56503820 00000000 000000 9d012a 4001 f000");
const LOSSLESS = of("52494646 00000000 57454250 5650384c 00000000 2f 3fc13b00");
const EXTENDED = of("52494646 00000000 57454250 56503858 0a000000 00000000 3f0100 ef0000");

test("pictures are what their own bytes say, and how large", () => {
  assert.deepEqual(pictureOf(JPEG), { type: "image/jpeg", width: 320, height: 240 });
  for (const webp of [LOSSY, LOSSLESS, EXTENDED]) {
    assert.deepEqual(pictureOf(webp), { type: "image/webp", width: 320, height: 240 });
  }
  const icon = readFileSync(new URL("../../../app/icon-192.png", import.meta.url));
  assert.deepEqual(pictureOf(icon), { type: "image/png", width: 192, height: 192 });
});

test("what is no picture of pixels is none, and neither is one that would fill the memory", () => {
  const png = (width: string, height: string) => of(`89504e470d0a1a0a 0000000d 49484452 ${width} ${height}`);
  assert.notEqual(pictureOf(png("00002710", "00002710")), null);
  assert.equal(pictureOf(png("0000ffff", "0000ffff")), null);
  assert.equal(pictureOf(png("00000000", "00000010")), null);
  for (const text of ["<svg xmlns='http://www.w3.org/2000/svg'/>", "GIF89a", "", "\xff\xd8"]) {
    assert.equal(pictureOf(new Uint8Array(Buffer.from(text, "latin1"))), null, text);
  }
  // Cut at every byte: never an error.
  for (const whole of [JPEG, LOSSY, LOSSLESS, EXTENDED]) {
    for (let end = 0; end < whole.length; end++) pictureOf(whole.subarray(0, end));
  }
  assert.equal(pictureOf(of("ffd8 ffe0 0000 ffe0 0000 ffe0 0000")), null);
});

test("a file is saved under a name that is no path and hides nothing", () => {
  for (const [name, expected] of [
    ["photo.jpg", "photo.jpg"],
    ["../../etc/passwd", "_.._etc_passwd"],
    ["C:\\x\\y.exe", "C__x_y.exe"],
    ["invoice\u202efdp.exe", "invoicefdp.exe"],
    [".bashrc", "bashrc"],
    ["a\nb\u0000.txt", "ab.txt"],
    ["", "file"],
    ["...", "file"],
    [`${"x".repeat(300)}.png`, `${"x".repeat(116)}.png`],
  ] as const) {
    assert.equal(fileName(name), expected, name);
  }
});

test("sizes are told in units that people know", () => {
  const words = { locale: "en-GB", today: "", yesterday: "" };
  assert.deepEqual(
    [0, 999, 1_200, 1_234_567, 104_857_600].map((count) => bytes(count, words)),
    ["0 bytes", "999 bytes", "1.2 kB", "1.2 MB", "105 MB"],
  );
});
