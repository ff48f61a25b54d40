/** Brings the outbox to the server, each entry once: in order, by one page, and again after a
 * refusal that passes. Knows no DOM.
 */

import { Claims } from "./claims.js";

const RETRY_MS = 2000;
/** Refusals that a later try may not meet. */
export const PASSING = new Set([
  "busy",
  "draining",
  "internal",
  "rate_limited",
  "session_ended",
  "unavailable",
]);

export class Delivery {
  /** `send(entry)` tells whether the entry could go out; `onChange()` that the state has changed. */
  constructor(outbox, { locks, send, onChange }) {
    this.outbox = outbox;
    this.send = send;
    this.onChange = onChange;
    this.claims = new Claims(locks, () => this.flush());
    this.inFlight = new Map(); // what went out over this connection and was not answered
    this.held = new Map(); // by id: why it must wait, and the timer that ends it
    this.away = false;
  }

  post(entry) {
    if (!this.away) this.claims.claim(entry.id); // before other pages see it
    this.outbox.add(entry);
    this.flush();
  }

  /** Send what can go out now. */
  flush() {
    if (this.away) return;
    this.outbox.reload();
    this.claims.keep(this.outbox.unrefused.map((entry) => entry.id));
    for (const entry of this.outbox.heads()) this.sendOut(entry);
    this.onChange();
  }

  sendOut(entry) {
    const { id } = entry;
    if (this.inFlight.has(id) || this.held.has(id) || !this.claims.holds(id)) return;
    if (!this.send(entry)) return;
    this.inFlight.set(id, entry);
    this.outbox.note(id, { sent: true });
  }

  /** Leave what waits to the visitor's other pages. */
  leave() {
    this.away = true;
    this.claims.keep([]);
  }

  comeBack() {
    this.away = false;
    this.flush();
  }

  /** The connection is lost; the next one may lead to a server that has time. */
  lost() {
    this.inFlight.clear();
    for (const [id, { code }] of this.held) {
      if (code !== "rate_limited") this.release(id);
    }
  }

  /** Take back what cannot have arrived. */
  withdraw(id) {
    if (!this.outbox.get(id)?.sent) this.outbox.remove(id);
    this.flush();
  }

  /** The server has stored it. The entry, if it was this page that sent it, or could have. */
  accepted(id) {
    const entry = this.outbox.get(id) || this.inFlight.get(id);
    this.inFlight.delete(id);
    this.outbox.remove(id);
    return entry;
  }

  /** Whether the refusal passes; then the entry goes out again by itself. */
  refused({ id, code, message, retry_ms: retryMs }) {
    this.inFlight.delete(id);
    const passes = PASSING.has(code);
    this.outbox.note(id, passes ? { sent: false } : { sent: false, error: message });
    if (passes) this.hold(id, code, retryMs);
    else this.flush();
    return passes;
  }

  hold(id, code, retryMs) {
    this.release(id);
    const timer = setTimeout(() => {
      this.release(id);
      this.flush();
    }, pauseOf(retryMs));
    this.held.set(id, { code, timer });
  }

  release(id) {
    clearTimeout(this.held.get(id)?.timer);
    this.held.delete(id);
  }
}

/** How long to wait before trying again what the server has refused; its advice may be 0: none. */
export function pauseOf(retryMs) {
  return Math.max(retryMs, RETRY_MS);
}
