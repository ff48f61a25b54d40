/** The chat, on its own page and in a frame on another site. It takes what a visitor writes from the
 * first moment on; what draws the rest is loaded meanwhile.
 */

import { ChatClient } from "./client.js";
import { Composer } from "./composer.js";
import { Outbox } from "./outbox.js";
import { insist, storageOf } from "./platform.js";

const LOADED_ANEW = "expertline.loaded-anew";

export class Chat {
  /** `socket` and `api` are paths; `onDraw(client)` is told after every change. */
  constructor({ socket, api, onDraw }) {
    this.onDraw = onDraw;
    this.consent = null;
    this.views = null;
    this.drawing = null;
    this.client = new ChatClient({
      url: address(socket),
      api,
      outbox: new Outbox(storageOf("localStorage"), document.body.dataset.visitor),
      branches: storageOf("sessionStorage"),
      locks: navigator.locks,
      onChange: () => this.drawSoon(),
    });
    this.composer = this.composed(this.client);
    this.attend(this.client);
    this.seekConsent(document.getElementById("consent"));
  }

  /** Open a conversation, or with null a new one, and connect. */
  async begin(id) {
    this.client.open(id);
    this.client.start();
    performance.mark("usable"); // bench/page_load.py reads it
    const { Views } = await this.loaded(() => import("./views.js"));
    this.views = new Views(this);
    this.drawSoon();
  }

  /** Without its views the page is nothing: where they do not come, it is loaded anew, once. */
  async loaded(load) {
    const storage = storageOf("sessionStorage");
    const second = storage.getItem(LOADED_ANEW);
    storage.removeItem(LOADED_ANEW);
    try {
      return await insist(load);
    } catch (error) {
      storage.setItem(LOADED_ANEW, "yes");
      const kept = storageOf("sessionStorage").getItem(LOADED_ANEW);
      if (second || !kept) throw error;
      location.reload();
      return new Promise(() => {}); // until it is gone
    }
  }

  show(id) {
    if (this.views) this.views.scroll.sticks = true;
    this.client.open(id);
    if (!id) window.scrollTo(0, 0);
  }

  /** False where something else has to be done first; the text then waits where one writes. */
  ask(text) {
    const consents = !this.consent || this.consent.section.hidden;
    if (!consents) this.consent.request();
    if (!consents || !this.canSend()) {
      if (!this.composer.input.value.trim()) this.composer.offer(text); // never over a draft
      return false;
    }
    this.views?.scroll.toEnd();
    this.client.ask(text);
    return true;
  }

  /** False where the connection has ended for good; what is to be done then has the focus. */
  canSend() {
    if (this.client.socket.state !== "ended") return true;
    this.views?.status.urge();
    return false;
  }

  composed(client) {
    return new Composer(document.getElementById("composer"), storageOf("sessionStorage"), {
      ask: (text) => this.ask(text),
      fits: (text) => client.fits(text),
      stop: () => client.stop(),
      editLast: () => this.views?.transcript.editLast(),
    });
  }

  drawSoon() {
    this.drawing ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.drawing = null;
    this.composer.draw(this.client);
    if (this.views?.draw(this.client)) this.drawSoon();
    this.onDraw(this.client);
    if (!this.client.consentMissing || !this.consent) return;
    this.client.consentMissing = false;
    this.consent.ask();
  }

  async seekConsent(section) {
    if (!section) return;
    const { Consent } = await insist(() => import("./consent.js"));
    this.consent = new Consent(section, { api: this.client.api, agreed: () => this.agreed() });
    this.drawSoon();
  }

  /** What was refused only for want of it goes out again. */
  agreed() {
    for (const entry of this.client.pending()) {
      if (entry.error) this.client.resend(entry);
    }
    this.composer.input.focus();
  }

  attend(client) {
    window.addEventListener("storage", (event) => client.outboxChanged(event));
    window.addEventListener("online", () => client.comeBack());
    window.addEventListener("offline", () => client.socket.drop());
    window.addEventListener("pagehide", () => client.leave());
    window.addEventListener("pageshow", (event) => event.persisted && client.comeBack());
    document.addEventListener("freeze", () => client.leave());
    document.addEventListener("resume", () => client.comeBack());
    document.addEventListener("visibilitychange", () => document.hidden || client.comeBack());
  }
}

function address(path) {
  const found = new URL(path, location.href);
  found.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return found.href;
}
