// Puts the theme that was chosen by hand on the document before anything is painted. Without a choice the
// system's preference holds. A classic script: a module would run too late.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('slipway-theme');
  } catch {
    // Storage may be forbidden; then the system decides.
  }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
