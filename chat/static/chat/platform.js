/** What browsers refuse or lack, got around; and ids and checksums as the protocol has them. No DOM. */

export const UNLOADED = "expertline:unloaded";
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/** What the browser keeps for this page: "localStorage" for all pages, "sessionStorage" for a tab. */
export function storageOf(kind) {
  try {
    const storage = window[kind];
    storage.setItem("expertline.test", "");
    storage.removeItem("expertline.test");
    return storage;
  } catch (error) {
    return new Forgetful(); // forbidden or full
  }
}

/** The part of the browser's Storage that the page uses; gone at the next load. */
class Forgetful {
  constructor() {
    this.values = new Map();
  }

  get length() {
    return this.values.size;
  }

  key(index) {
    return Array.from(this.values.keys())[index];
  }

  getItem(key) {
    return this.values.get(key) ?? null;
  }

  setItem(key, value) {
    this.values.set(key, value);
  }

  removeItem(key) {
    this.values.delete(key);
  }
}

/** What `load` imports: where that fails, once more when there is a network. Browsers that remember
 * the failure fail again, until the page is loaded anew; so does what is broken. */
export async function insist(load) {
  try {
    return await load();
  } catch (error) {
    await network(FIRST_PAUSE_MS);
    return load();
  }
}

async function network(pauseMs) {
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  try {
    await fetch("/healthz", { cache: "no-store" });
  } catch (error) {
    await network(Math.min(2 * pauseMs, LONGEST_PAUSE_MS));
  }
}

/** What `load` imports for something that the visitor wants now. It fails where that fails, and the
 * window is told, with an event called UNLOADED. */
export async function wanted(load) {
  try {
    return await load();
  } catch (error) {
    window.dispatchEvent(new Event(UNLOADED));
    throw error;
  }
}

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
