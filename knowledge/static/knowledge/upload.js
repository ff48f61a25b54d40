// Says at once that a file is too large, and sends each form only once.

for (const input of document.querySelectorAll("input[type=file][data-most]")) {
  input.addEventListener("change", () => {
    const tooLarge = input.files[0]?.size > Number(input.dataset.most);
    input.setCustomValidity(tooLarge ? input.dataset.tooLarge : "");
    input.reportValidity();
  });
}

for (const form of document.querySelectorAll("form.once")) {
  const working = form.querySelector("[role=status]");
  const buttons = form.querySelectorAll("input[type=submit]");
  const busy = (now) => {
    working.hidden = !now;
    for (const button of buttons) button.disabled = now;
  };
  form.addEventListener("submit", () => busy(true));
  window.addEventListener("pageshow", () => busy(false)); // back from the next page
}
