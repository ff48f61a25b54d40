/** A WebSocket that comes back: heartbeat, back-off and close codes of protocol 1. Knows no DOM. */

const SUBPROTOCOL = "expertline.v1";
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10000;
const HANDSHAKE_MS = 10000;
/** An attempt younger than this is not given up for another. */
const YOUNG_MS = 3000;
/** A connection that held this long starts the back-off from the beginning again. */
const STEADY_MS = 5000;
const FIRST_FINAL_CODE = 4500;

export class Socket {
  /** `onFrame(frame)` gets every frame but `ping`; `onState()` is told of every change of state. */
  constructor(url, { onFrame, onState }) {
    this.state = "connecting"; // then open, waiting, or ended (for good, with `closeCode`)
    this.closeCode = null;
    this.retryAt = null; // while waiting: when the next attempt begins; null during an attempt
    this.url = url;
    this.onFrame = onFrame;
    this.onState = onState;
    this.socket = null;
    this.tries = 0;
    this.retryMs = null;
    this.pingMs = 20000;
    this.triedAt = 0;
    this.heardAt = 0;
    this.welcomedAt = null;
    this.pause = null;
    this.silence = null;
  }

  connect() {
    clearTimeout(this.pause);
    this.abandon();
    this.retryMs = null;
    this.retryAt = null;
    this.triedAt = Date.now();
    this.socket = new WebSocket(this.url, SUBPROTOCOL);
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = (event) => this.lost(event.code);
    this.expectWithin(HANDSHAKE_MS);
    if (this.state === "waiting") this.onState();
  }

  /** Whether the frame went out; what comes of it, only the server's answer tells. */
  send(frame) {
    if (this.state !== "open") return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** The network changed, or the page is looked at again: no more waiting. */
  hurry() {
    if (this.state === "open" && Date.now() - this.heardAt > 2 * this.pingMs) this.drop();
    if (this.state === "open" || this.state === "ended") return;
    if (this.socket && Date.now() - this.triedAt < YOUNG_MS) return;
    this.tries = 0;
    this.connect();
  }

  /** Give this connection up and make another. */
  drop() {
    if (this.socket) this.lost(1006);
  }

  /** Let go without coming back, until `connect`. */
  leave() {
    this.abandon();
    clearTimeout(this.pause);
    this.welcomedAt = null;
    this.retryAt = null;
    if (this.state !== "ended") this.become("waiting");
  }

  receive(frame) {
    this.heardAt = Date.now();
    this.expectWithin(2 * this.pingMs);
    if (frame.type === "ping") {
      this.socket.send(JSON.stringify({ type: "pong", k: frame.k }));
      return;
    }
    if (frame.type === "bye") this.retryMs = frame.retry_ms;
    if (frame.type === "welcome") {
      this.pingMs = frame.ping_seconds * 1000;
      this.welcomedAt = Date.now();
      this.become("open");
    }
    this.onFrame(frame);
  }

  lost(code) {
    this.abandon();
    if (code >= FIRST_FINAL_CODE) {
      this.closeCode = code;
      this.become("ended");
      return;
    }
    if (this.welcomedAt && Date.now() - this.welcomedAt > STEADY_MS) this.tries = 0;
    this.welcomedAt = null;
    const pause = this.retryMs || this.jitter();
    this.pause = setTimeout(() => this.connect(), pause);
    this.retryAt = Date.now() + pause;
    this.tries += 1;
    this.become("waiting");
  }

  /** Full jitter: anything up to a bound that doubles, so that not all come back at once. */
  jitter() {
    return Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.tries);
  }

  expectWithin(milliseconds) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.drop(), milliseconds);
  }

  abandon() {
    clearTimeout(this.silence);
    if (!this.socket) return;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  become(state) {
    this.state = state;
    this.onState();
  }
}
