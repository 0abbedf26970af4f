const LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** Five characters no word is made of, as generateName appends them. */
export function randomSuffix(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => LETTERS[byte % LETTERS.length])
    .join("");
}
