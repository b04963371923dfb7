// call/sheet.js - the style sheet of what is loaded late comes with it

/** Resolves when it is there, or will not come: without colours a call is still a call. @param {string} name */
export const addSheet = (name) =>
  new Promise((/** @type {(done: unknown) => void} */ done) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    // Beside this module, and so of the same release.
    link.href = new URL(`../styles/${name}.css`, import.meta.url).href;
    link.onload = link.onerror = done;
    document.head.append(link);
  });
