/** Where in the conversation the reader is: at its end, at its beginning, or in between. */

import { announce, showOnly } from "./html.js";

/** From how far away earlier messages are fetched. */
const AHEAD = "800px 0px 0px 0px";
const NEAR_PIXELS = 80;
const BURST_MS = 1000;

/** Keeps the end in view while a reply grows, unless the reader has gone up. */
export class Scroll {
  constructor(content, button) {
    this.content = content;
    this.button = button;
    this.page = document.scrollingElement;
    this.sticks = true;
    this.top = 0;
    this.seen = 0;
    this.end = "";
    this.before = { at: 0, height: 0 };
    window.addEventListener("scroll", () => this.moved(), { passive: true });
    window.addEventListener("resize", () => this.sticks && this.toEnd());
    button.addEventListener("click", () => this.toEnd());
  }

  /** Going up by a little is enough to be left alone; only who comes down to the end sticks again. */
  moved() {
    const { scrollTop } = this.page;
    const below = this.page.scrollHeight - scrollTop - window.innerHeight;
    if (below < 1) this.sticks = true;
    else if (scrollTop < this.top) this.sticks = false;
    else if (scrollTop > this.top) this.sticks = below < NEAR_PIXELS;
    this.top = scrollTop;
    this.offer(below);
  }

  /** Whoever's focus was on the button goes on at the end. */
  offer(below) {
    const focused = document.activeElement === this.button;
    this.button.hidden = this.sticks || below < NEAR_PIXELS;
    if (!this.button.hidden) return;
    this.say("end");
    if (focused) this.content.lastElementChild?.focus({ preventScroll: true });
  }

  say(state) {
    if (this.button.dataset.state === state) return;
    this.button.dataset.state = state;
    showOnly(this.button, "end", state);
  }

  /** Call after the page has grown. A burst is read from its beginning: from the `latest` question.
   * `end` changes when there is more to read. */
  follow(latest, end) {
    if (this.sticks && latest && this.burst() && latest.getBoundingClientRect().top > 0) {
      latest.scrollIntoView();
      this.sticks = this.page.scrollHeight - this.page.scrollTop - window.innerHeight < NEAR_PIXELS;
    } else if (this.sticks) {
      this.toEnd();
    } else if (end !== this.end) {
      this.say("news");
    }
    this.end = end;
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
    this.sticks = true;
    this.page.scrollTop = this.page.scrollHeight;
    this.moved();
  }
}

/** The way back in a long conversation: by itself near the top, by a button for everybody else. */
export class Earlier {
  /** `load()` brings what came before; `focus()` is called when the button goes away with it. */
  constructor(element, { load, focus }) {
    this.element = element;
    this.focus = focus;
    this.state = "none";
    this.near = false;
    this.load = load;
    const [button] = element.getElementsByTagName("button");
    button.addEventListener("click", load);
    new IntersectionObserver(([{ isIntersecting }]) => this.approached(isIntersecting), {
      rootMargin: AHEAD,
    }).observe(element);
  }

  approached(near) {
    this.near = near;
    if (near && this.state === "more") this.load();
  }

  draw({ conversation }) {
    const state = conversation?.earlier || "none";
    if (state === this.state) return;
    const came = this.state === "loading" && state !== "failed";
    this.state = state;
    const focused = this.element.contains(document.activeElement);
    this.element.hidden = state === "none";
    showOnly(this.element, "earlier", state);
    if (focused && state === "none") this.focus();
    if (came) announce(this.element.querySelector(".came").textContent);
  }
}
