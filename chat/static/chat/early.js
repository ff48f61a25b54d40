/** Before the first paint: colours, size of the text, and whether the list stands open. A classic
 * script, because the page waits for those. */
(() => {
  const root = document.documentElement;
  try {
    for (const name of ["theme", "size", "list", "keys"]) {
      const value = localStorage.getItem(`expertline.${name}`);
      if (value) root.dataset[name] = value;
    }
  } catch (error) {
    return; // forbidden: as on the device
  }
  for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
    if (root.dataset.theme) meta.content = root.dataset.theme === "dark" ? "#12191a" : "#faf8f3";
  }
})();
