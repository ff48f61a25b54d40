/** Brings the outbox to the server, each entry once: in order, by one page, and again after a
 * refusal that passes. Knows no DOM.
 */

const RETRY_MS = 2000;
/** What one page writes into the storage reaches the others later than a lock does. */
const NEWS_MS = 1000;
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
    this.claims.leave();
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

/** Which of a visitor's pages sends what: each entry of the shared outbox is claimed by one page.
 *
 * A page that is closed, or that crashes, loses its claims to the next. Browsers lend no locks to
 * pages over plain HTTP, nor to all frames; every page has every claim then, and the server drops
 * what comes twice.
 */
class Claims {
  /** `locks` are the browser's; `onGranted()` is told of every claim that is granted. */
  constructor(locks, onGranted) {
    this.locks = locks;
    this.onGranted = onGranted;
    this.claims = new Map();
    this.ending = new Set(); // releases of what is done
  }

  holds(id) {
    return !this.locks || Boolean(this.claims.get(id)?.release);
  }

  /** Claim these entries, and let go of all others. */
  keep(ids) {
    for (const id of this.claims.keys()) {
      if (!ids.includes(id)) this.letGo(id);
    }
    for (const id of ids) this.claim(id);
  }

  claim(id) {
    if (!this.locks || this.claims.has(id)) return;
    const asking = new AbortController();
    const claim = { asking, release: null };
    this.claims.set(id, claim);
    const held = () =>
      new Promise((release) => {
        claim.release = release;
        this.onGranted();
      });
    const { signal } = asking;
    this.locks
      .request(`expertline.outbox.${id}`, { signal }, held)
      .catch((error) => error.name === "AbortError" || this.doWithout());
  }

  /** In a frame on another site, some browsers forbid locks as they forbid storage. */
  doWithout() {
    this.locks = null;
    this.onGranted();
  }

  /** The next page is given it when it can know what has become of the entry. */
  letGo(id) {
    const { asking, release } = this.claims.get(id);
    this.claims.delete(id);
    if (!release) {
      asking.abort();
      return;
    }
    this.ending.add(release);
    setTimeout(() => this.ending.delete(release) && release(), NEWS_MS);
  }

  /** Let go of everything at once. */
  leave() {
    this.keep([]);
    for (const release of this.ending) release();
    this.ending.clear();
  }
}
