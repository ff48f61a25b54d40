/** The visitor's conversations: beside the page where there is room, else in a panel behind the
 * button. The list itself is loaded when it is first seen.
 */

import { showOnly } from "./html.js";
import { storageOf, wanted } from "./platform.js";

const CLOSED = "closed";
const wide = matchMedia("(min-width: 64rem)");
const storage = storageOf("localStorage");

export class Menu {
  /** `open(id)` shows a conversation, with null the beginning of a new one. */
  constructor(button, { open }) {
    this.button = button;
    this.open = open;
    this.panel = document.getElementById("menu");
    this.drawer = document.getElementById("drawer");
    this.sidebar = document.getElementById("sidebar");
    this.list = null;
    this.shown = "";
    this.conversation = null;
    button.addEventListener("click", () => this.toggle(!this.isOpen));
    this.panel.querySelector(".close").addEventListener("click", () => this.toggle(false));
    this.panel.addEventListener("click", (event) => this.chosen(event));
    this.drawer.addEventListener("close", () => this.closed());
    wide.addEventListener("change", () => this.place());
    this.place();
  }

  get isOpen() {
    return wide.matches ? document.documentElement.dataset.list !== CLOSED : this.drawer.open;
  }

  /** Where the list stands now that the window is wide, or narrow. */
  place() {
    if (this.drawer.open) this.drawer.close();
    (wide.matches ? this.sidebar : this.drawer).append(this.panel);
    this.announce();
    if (this.isOpen) this.load();
  }

  toggle(shown) {
    if (shown === this.isOpen) return;
    if (wide.matches) this.keep(shown);
    else if (shown) this.drawer.showModal();
    else this.drawer.close();
    this.announce();
    if (shown) this.load();
    else this.button.focus();
  }

  keep(shown) {
    const { dataset } = document.documentElement;
    if (shown) delete dataset.list;
    else dataset.list = CLOSED;
    try {
      storage.setItem("expertline.list", shown ? "" : CLOSED);
    } catch (error) {
      // full: it holds as long as the page
    }
  }

  closed() {
    this.announce();
    if (!wide.matches) this.button.focus();
  }

  announce() {
    this.button.setAttribute("aria-expanded", String(this.isOpen));
  }

  async search() {
    this.toggle(true);
    this.panel.querySelector("input").focus();
  }

  async load() {
    const { ConversationList } = await this.loaded(() => import("./conversation_list.js"));
    this.list ||= new ConversationList(this.panel, {
      open: (id) => this.open(id),
      lastShown: (id) => this.lastShown(id),
    });
    this.list.refresh();
  }

  /** On a phone the list covers what is said elsewhere. */
  async loaded(load) {
    try {
      return await wanted(load);
    } catch (error) {
      showOnly(this.panel, "list", "failed");
      throw error;
    }
  }

  /** What is open, and whether it may have changed, is told after every change of the page. */
  draw({ conversation }) {
    this.conversation = conversation;
    const shown = `${conversation?.id} ${conversation?.rev > 0}`;
    if (shown === this.shown) return;
    this.shown = shown;
    if (this.list && this.isOpen) this.list.refresh();
  }

  /** Of the open conversation, where the branch ends that is on the screen. */
  lastShown(id) {
    if (this.conversation?.id !== id) return null;
    const said = this.conversation.path.filter(({ status }) => status !== "running");
    return said.pop()?.id || null;
  }

  chosen(event) {
    const link = event.target.closest("a[data-conversation]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!wide.matches) this.toggle(false);
    this.open(link.dataset.conversation);
  }
}
