/** The chat in a frame on another site: one conversation, and nothing of anybody's account. */

import { Chat } from "./chat.js";
import { servesInputMethod } from "./composer.js";
import { insist, storageOf } from "./platform.js";

const KEY = "expertline.widget";

const storage = storageOf("sessionStorage");
const { origin: site, conversation: latest } = document.body.dataset;

const chat = new Chat({
  socket: "/ws/widget/",
  api: "/widget/api",
  onDraw: ({ conversation }) => storage.setItem(KEY, conversation?.id || ""),
});
chat.begin((storage.getItem(KEY) ?? latest) || null);

/** To the site around the frame, which is named: nobody else gets to read it. */
function tell(type) {
  if (site && parent !== window) parent.postMessage({ type }, site);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest('a[href="/"]')) return;
  event.preventDefault();
  chat.show(null);
  chat.composer.input.focus();
});
document.getElementById("close").addEventListener("click", () => tell("expertline:close"));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || servesInputMethod(event)) return;
  if (!document.querySelector("dialog[open]")) tell("expertline:close");
});
window.addEventListener("message", (event) => {
  const known = event.source === parent && event.origin === site;
  if (known && event.data.type === "expertline:opened") chat.composer.input.focus();
});
insist(() => import("./dialogs.js"));
tell("expertline:ready");
