/** A UUIDv7 (RFC 9562): 48 bits of milliseconds, the rest random. */
export function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let rest = Date.now();
  for (let position = 5; position >= 0; position -= 1) {
    bytes[position] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = toHex(bytes);
  const lengths = [8, 12, 16, 20];
  return [0, ...lengths].map((start, index) => hex.slice(start, lengths[index])).join("-");
}

/** What `end` says of a text: the first 16 hex digits of the SHA-256 of its UTF-8.
 *
 * Null where the browser has no crypto.subtle: over plain HTTP, but for localhost.
 */
export async function checksum(text) {
  if (!crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toHex(new Uint8Array(digest)).slice(0, 16);
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
