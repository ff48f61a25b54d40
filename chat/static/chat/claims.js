/** Which of a visitor's pages sends what: each entry of the shared outbox is claimed by one page.
 *
 * A page that is closed, or that crashes, loses its claims to the next. Browsers lend no locks to
 * pages over plain HTTP, nor to all frames; every page has every claim then, and the server drops what comes twice.
 */
export class Claims {
  /** `locks` are the browser's; `onGranted()` is told of every claim that is granted. */
  constructor(locks, onGranted) {
    this.locks = locks;
    this.onGranted = onGranted;
    this.claims = new Map();
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

  letGo(id) {
    const { asking, release } = this.claims.get(id);
    this.claims.delete(id);
    if (release) release();
    else asking.abort();
  }
}
