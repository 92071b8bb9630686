/** RSA's private operation by the Chinese remainder theorem: faster than the library's own, and blinded as that is not. */
import { I2OSP, OS2IP, invert, pow } from "micro-rsa-dsa-dh/utils.js";

/** A private key with its primes (RFC 8017, section 3.2). */
export interface CrtKey {
  n: bigint;
  e: bigint;
  p: bigint;
  q: bigint;
  dP: bigint;
  dQ: bigint;
  qInv: bigint;
}

/** Uses of a blinding, each the square of the one before, until another is drawn: as many as OpenSSL and BoringSSL make. */
const USES = 32;

/** A random number to the power of the public exponent, and its inverse. */
interface Blinding {
  factor: bigint;
  inverse: bigint;
  uses: number;
}

/** Returns what decrypts bytes to the padded block. It fails unless they are as many as those of the modulus. */
export function blockDecrypter(key: CrtKey): (ciphertext: Uint8Array) => Uint8Array {
  const bytes = bytesOf(key.n);
  let blinding: Blinding | undefined;
  return (ciphertext) => {
    if (ciphertext.length !== bytes) throw new RangeError("ciphertext of another length");
    blinding = nextBlinding(key, blinding);
    return I2OSP(decryptNumber(key, OS2IP(ciphertext), blinding), bytes);
  };
}

/**
 * Returns `c` to the power of the private exponent (RFC 8017, section 5.1.2, step 2b).
 *
 * What is computed on is `c` times a random number that is another each time (Kocher, "Timing Attacks", CRYPTO 1996,
 * section 10), so its time says nothing of `c`: no BigInt is constant-time. The result is checked by the public
 * operation, since one that is wrong modulo one prime alone reveals the other (Boneh, DeMillo, Lipton, EUROCRYPT 1997).
 */
function decryptNumber({ n, e, p, q, dP, dQ, qInv }: CrtKey, c: bigint, { factor, inverse }: Blinding): bigint {
  if (c < 0n || c >= n) throw new RangeError("ciphertext representative out of range");
  const blinded = (c * factor) % n;
  const [m1, m2] = [power(blinded % p, dP, p), power(blinded % q, dQ, q)];
  const h = ((((m1 - m2) * qInv) % p) + p) % p;
  const m = m2 + h * q;
  if (pow(m, e, n) !== blinded) throw new RangeError("the key is damaged, or the computation was");
  return (m * inverse) % n;
}

/** Returns a blinding that was not used before. */
function nextBlinding({ n, e }: CrtKey, last: Blinding | undefined): Blinding {
  if (last && last.uses < USES) {
    const { factor, inverse, uses } = last;
    return { factor: (factor * factor) % n, inverse: (inverse * inverse) % n, uses: uses + 1 };
  }
  const blind = randomBelow(n);
  return { factor: pow(blind, e, n), inverse: invert(blind, n), uses: 1 };
}

/** Returns a number to a large power, five bits of that at a time (Menezes and others, 1996, algorithm 14.82). */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const table = [1n];
  while (table.length < 32) table.push((table.at(-1)! * base) % modulus);
  let result = 1n;
  for (const digit of exponent.toString(32)) {
    for (let bit = 0; bit < 5; bit++) result = (result * result) % modulus;
    result = (result * table[parseInt(digit, 32)]!) % modulus;
  }
  return result;
}

/** Returns a random number from 1 on, with 64 bits more than `n` before it is reduced: as good as even. */
function randomBelow(n: bigint): bigint {
  const bytes = crypto.getRandomValues(new Uint8Array(bytesOf(n) + 8));
  return (OS2IP(bytes) % (n - 1n)) + 1n;
}

function bytesOf(n: bigint): number {
  return Math.ceil(n.toString(16).length / 2);
}
