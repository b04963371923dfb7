// shared/sites.js - what a page knows of the two sites, in the page itself: there before one of them is silent
import { signal } from "@preact/signals";

const AGAIN_MS = 10_000;

/**
 * @typedef {object} Sites
 * @property {string} here
 * @property {string} here_name
 * @property {string} other
 * @property {string} other_name
 * @property {string} other_url
 */

/** @param {HTMLElement} root @returns {Sites | null} null where this is one site alone */
export function sitesOf(root) {
  const { here = "", hereName = "", other = "", otherName = "", otherUrl = "" } = root.dataset;
  return otherUrl ? { here, here_name: hereName, other, other_name: otherName, other_url: otherUrl } : null;
}

/**
 * What moving to the other site needs, loaded after the page itself, and while there is still somebody to load it from.
 * @template T
 * @param {HTMLElement} root
 * @param {(sites: Sites) => Promise<T>} load
 */
export function loadMoving(root, load) {
  const loaded = signal(/** @type {T | null} */ (null));
  const sites = sitesOf(root);
  const begin = () => {
    if (sites === null) return;
    load(sites).then((opened) => (loaded.value = opened), (reason) => {
      console.warn("the way to the other site is not loaded yet", reason);
      setTimeout(begin, AGAIN_MS);
    });
  };
  begin();
  return loaded;
}
