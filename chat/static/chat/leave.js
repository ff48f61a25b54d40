/** "Back" goes to where the link was: a page before this one, or the tab that opened this one. */

document.querySelector(".leave-back").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (history.length > 1) {
    event.preventDefault();
    history.back();
  } else {
    window.close(); // where the browser does not allow that, the link is followed
  }
});
