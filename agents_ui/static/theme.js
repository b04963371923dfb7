// theme.js - dark or light: as the system says, or as chosen here. Loaded before the page is painted.
(() => {
  const KEY = "muster.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is forbidden: the system's choice it is
    }
  }

  function apply() {
    document.documentElement.dataset.theme = chosen() ?? (system.matches ? "dark" : "light");
  }

  system.addEventListener("change", apply);
  addEventListener("storage", apply);
  apply();
})();
