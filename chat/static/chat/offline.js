/** The page without network: what the visitor wrote and could not send, and another try. */

import { languageOf } from "./html.js";
import { Outbox } from "./outbox.js";
import { storageOf } from "./platform.js";

const RETRY_MS = 5000;

const storage = storageOf("localStorage");
const visitor = storage.getItem("expertline.visitor");
const unsent = new Outbox(storage, visitor).entries.filter(({ text }) => text);
const items = unsent.map(({ text }) => {
  const item = document.createElement("li");
  item.textContent = text;
  item.lang = languageOf(text);
  item.dir = "auto";
  return item;
});

document.querySelector(".unsent").append(...items);
document.getElementById("unsent").hidden = items.length === 0;
document.getElementById("nothing-unsent").hidden = items.length > 0;
document.getElementById("retry").addEventListener("click", () => location.reload());
window.addEventListener("online", comeBack);
document.addEventListener("visibilitychange", comeBack);
setInterval(comeBack, RETRY_MS);

/** Once the server answers; a network that is back need not lead there yet. */
async function comeBack() {
  if (document.hidden) return;
  try {
    await fetch("/healthz", { cache: "no-store" });
  } catch (error) {
    return;
  }
  location.reload();
}
