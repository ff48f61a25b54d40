/** What a visitor chooses for this browser; `early.js` reads it at the next load. */

import { storageOf } from "./platform.js";

const storage = storageOf("localStorage");
let prepared = false;

export function prepare(dialog) {
  const form = dialog.querySelector(".choices");
  for (const control of form.querySelectorAll("input")) {
    control.checked = control.value === chosen(control.name);
  }
  if (!prepared) form.addEventListener("change", (event) => choose(event.target));
  prepared = true;
}

function chosen(name) {
  return storage.getItem(`expertline.${name}`) || "";
}

function choose({ name, type, value, checked }) {
  const wanted = type === "checkbox" && !checked ? "" : value;
  keep(name, wanted);
  const { dataset } = document.documentElement;
  if (wanted) dataset[name] = wanted;
  else delete dataset[name];
}

function keep(name, value) {
  try {
    if (value) storage.setItem(`expertline.${name}`, value);
    else storage.removeItem(`expertline.${name}`);
  } catch (error) {
    // full: it holds as long as the page
  }
}
