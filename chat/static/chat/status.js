/** The state of the connection, in words; silent while all is well. */

import { isShown, showOnly } from "./html.js";
import { UNLOADED } from "./platform.js";

/** A lost connection that is back sooner is nobody's business. */
const PATIENCE_MS = 1500;
/** For how long it is said that the connection is back. */
const BACK_MS = 4000;
/** For how long it is said that something did not work. */
const FAILED_MS = 8000;
const FINAL_STATES = { 4501: "expired", 4504: "crowded", 4506: "outdated" };

export class Status {
  /** `connect()` tries at once; `focus()` is called when the focus was on what goes away. */
  constructor(element, { connect, focus }) {
    this.element = element;
    this.focus = focus;
    this.problem = element.querySelector(".problem");
    this.countdown = new Countdown(element.querySelector(".countdown"));
    this.state = "fine";
    this.patience = null;
    this.patient = true;
    this.wasOpen = false;
    this.backUntil = 0;
    this.failed = null; // the timer that ends its being said
    element.querySelector(".reload").addEventListener("click", () => location.reload());
    element.querySelector(".now").addEventListener("click", connect);
    window.addEventListener(UNLOADED, () => this.fail());
  }

  draw(client) {
    this.wait(client);
    this.show(this.stateOf(client));
    const counts = this.state === "reconnecting" || this.state === "connecting";
    this.countdown.show(counts ? client.socket.retryAt : null);
    if (this.problem.textContent !== (client.problem || "")) {
      this.problem.textContent = client.problem || "";
    }
  }

  /** Somebody wants to send, and cannot from here. */
  urge() {
    this.element.querySelector(".reload").focus();
  }

  /** What something takes that the visitor wants could not be loaded. */
  fail() {
    const words = this.element.querySelector(".failed");
    words.hidden = false;
    clearTimeout(this.failed);
    this.failed = setTimeout(() => {
      words.hidden = true;
    }, FAILED_MS);
  }

  show(state) {
    if (state === this.state) return;
    this.state = state;
    const focused = document.activeElement;
    showOnly(this.element, "state", state);
    if (this.element.contains(focused) && !isShown(focused)) this.focus();
  }

  stateOf({ socket, conversation }) {
    if (socket.state === "ended") return FINAL_STATES[socket.closeCode] || "ended";
    if (socket.state === "open" && conversation?.missing) return "missing";
    if (socket.state === "open") return Date.now() < this.backUntil ? "back" : "fine";
    if (!navigator.onLine) return "offline";
    if (this.patient) return "fine";
    return this.wasOpen ? "reconnecting" : "connecting";
  }

  wait(client) {
    if (client.socket.state === "open") {
      this.opened(client);
    } else if (this.patience === null) {
      this.patience = setTimeout(() => {
        this.patient = false;
        this.draw(client);
      }, PATIENCE_MS);
    }
  }

  opened(client) {
    clearTimeout(this.patience);
    this.patience = null;
    this.patient = true;
    this.wasOpen = true;
    if (this.state !== "offline" && this.state !== "reconnecting") return;
    this.backUntil = Date.now() + BACK_MS;
    setTimeout(() => this.draw(client), BACK_MS);
  }
}

/** Seconds until the next attempt to connect. Never announced: it would be read out every second. */
class Countdown {
  constructor(element) {
    this.element = element;
    this.seconds = element.querySelector(".seconds");
    this.tick = null;
  }

  /** `at` in milliseconds of the clock; null while nothing is waited for. */
  show(at) {
    clearTimeout(this.tick);
    const left = at === null ? 0 : at - Date.now();
    this.element.hidden = left <= 0;
    if (left <= 0) return;
    const seconds = Math.ceil(left / 1000);
    this.seconds.textContent = seconds;
    this.tick = setTimeout(() => this.show(at), left - (seconds - 1) * 1000);
  }
}
