/** Keeps the end in view while a reply grows, unless the reader has gone up. */

const NEAR_PIXELS = 80;
const BURST_MS = 1000;

export class Scroll {
  constructor(content, button) {
    this.content = content;
    this.button = button;
    this.page = document.scrollingElement;
    this.sticks = true;
    this.seen = 0;
    this.before = { at: 0, height: 0 };
    window.addEventListener("scroll", () => this.moved(), { passive: true });
    window.addEventListener("resize", () => this.sticks && this.toEnd());
    button.addEventListener("click", () => this.toEnd());
  }

  moved() {
    const below = this.page.scrollHeight - this.page.scrollTop - window.innerHeight;
    this.sticks = below < NEAR_PIXELS;
    this.button.hidden = this.sticks;
  }

  /** Call after the page has grown. A burst is read from its beginning: from the `latest` question. */
  follow(latest) {
    if (this.sticks && latest && this.burst() && latest.getBoundingClientRect().top > 0) {
      latest.scrollIntoView();
    } else if (this.sticks) {
      this.toEnd();
    }
    this.moved();
  }

  /** Whether more has come within a second than anybody can have read. */
  burst() {
    const height = this.content.offsetHeight;
    if (Date.now() - this.before.at > BURST_MS) this.before = { at: Date.now(), height: this.seen };
    this.seen = height;
    return height - this.before.height > window.innerHeight / 2;
  }

  toEnd() {
    this.page.scrollTop = this.page.scrollHeight;
    this.moved();
  }
}
