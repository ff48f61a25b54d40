/** The way back in a long conversation: by itself near the top, by a button for everybody else. */

import { announce } from "./announcer.js";
import { showOnly } from "./html.js";

const AHEAD = "800px 0px 0px 0px";

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
