/** What the visitor agrees to before the first message, where the operator asks for it. */

import { openDialog } from "./dialogs.js";
import { fragmentOf } from "./html.js";
import { RefusedError, change } from "./server.js";

const CONFLICT = 409;

export class Consent {
  /** `agreed()` is called when the visitor may write. */
  constructor(section, { api, agreed }) {
    this.address = `${api}/consent`;
    this.section = section;
    this.agreed = agreed;
    this.button = section.querySelector("button");
    this.failed = section.querySelector(".consent-problem");
    this.changed = section.querySelector(".consent-changed");
    this.withdrawal = document.getElementById("withdraw-consent");
    this.notWithdrawn = document.getElementById("withdrawal-problem");
    this.button.addEventListener("click", () => this.agree());
    this.withdrawal?.addEventListener("click", () => this.withdraw());
  }

  /** Somebody wants to write, and has not agreed. */
  request() {
    this.section.scrollIntoView({ block: "center" });
    this.button.focus({ preventScroll: true });
  }

  /** The server wants it, though this page did not know: the text may be another one now. */
  async ask() {
    this.show(true);
    try {
      const headers = { "Accept-Language": document.documentElement.lang };
      this.take(await (await fetch(this.address, { headers })).json());
    } catch (error) {
      this.failed.hidden = false;
    }
    this.request();
  }

  async agree() {
    this.failed.hidden = true;
    try {
      await change("POST", this.address, { version: this.section.dataset.version });
    } catch (error) {
      await this.refused(error);
      return;
    }
    this.show(false);
    this.agreed();
  }

  async refused(error) {
    const outdated = error instanceof RefusedError && error.response.status === CONFLICT;
    if (outdated) this.take(await error.response.json());
    else this.failed.hidden = false;
  }

  take({ version, html }) {
    this.changed.hidden = version === this.section.dataset.version;
    this.section.dataset.version = version;
    this.section.querySelector(".prose").replaceChildren(fragmentOf(html));
  }

  async withdraw() {
    this.notWithdrawn.hidden = true;
    try {
      await change("DELETE", this.address);
    } catch (error) {
      this.sayNotWithdrawn();
      return;
    }
    this.show(true);
    await Promise.all(Array.from(document.querySelectorAll("dialog[open]"), closed));
    this.request();
  }

  /** Where it was tried: whoever closed the settings meanwhile may believe that it is done. */
  sayNotWithdrawn() {
    openDialog("settings");
    this.notWithdrawn.hidden = false;
    this.notWithdrawn.scrollIntoView({ block: "center" });
  }

  show(needed) {
    this.section.hidden = !needed;
    if (this.withdrawal) this.withdrawal.hidden = needed;
    this.changed.hidden = true;
  }
}

/** Closes it, and waits until the page has seen that: the list takes the focus back only then. */
function closed(dialog) {
  return new Promise((resolve) => {
    dialog.addEventListener("close", resolve, { once: true });
    dialog.close();
  });
}
