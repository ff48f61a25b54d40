/** Seconds until the next attempt to connect. Never announced: it would be read out every second. */
export class Countdown {
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
