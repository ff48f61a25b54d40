/** A button for what the browser's menu can do as well. */

const button = document.querySelector(".print-now");
button.hidden = false;
button.addEventListener("click", () => window.print());
