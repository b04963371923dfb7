// elsewhere/carried.js - what goes along to the other site: words written and not sent. Storage does not cross over.

export const HOME_KEY = "muster.home"; // the site whose traffic this tab belongs to
export const STORY_KEY = "muster.moved"; // what happened, for the one sentence about it

const BYTES_MAX = 32_768; // as base64 still below what the shortest-spoken browser takes for an address

/** What each kind of page may take along, the dearest first. @type {Record<string, {local: string[], session: string[]}>} */
const KEYS = {
  desk: { local: [], session: ["muster.desk.unsent.", "muster.desk.drafts.", "muster.desk.call"] },
  chat: { local: ["muster.chat.unsaved "], session: ["muster.chat.draft", "muster.chat.call"] },
};

/** @typedef {{local: Record<string, string>, session: Record<string, string>}} Carried */

/**
 * Everything of these pages in this browser, as far as it fits.
 * @param {string} kind desk or chat
 * @param {Record<string, string>} [more] what else goes to the other site's local storage, the dearest first
 * @returns {Carried}
 */
export function gather(kind, more = {}) {
  /** @type {Carried} */
  const carried = { local: {}, session: {} };
  let room = BYTES_MAX;
  for (const [name, storage] of storages()) {
    for (const prefix of KEYS[kind][name]) {
      for (const key of Object.keys(storage).filter((each) => each.startsWith(prefix))) {
        const value = storage.getItem(key) ?? "";
        const size = new TextEncoder().encode(key + value).length + 8;
        if (size <= room) (carried[name][key] = value), (room -= size);
      }
    }
  }
  for (const [key, value] of Object.entries(more)) {
    const size = new TextEncoder().encode(key + value).length + 8;
    if (size <= room && !(key in carried.local)) (carried.local[key] = value), (room -= size);
  }
  return carried;
}

/** Into this site's storage; never anything but what may be carried. @param {string} kind @param {Partial<Carried>} carried */
export function unpack(kind, carried) {
  for (const [name, storage] of storages()) {
    for (const [key, value] of Object.entries(carried?.[name] ?? {})) {
      if (typeof value === "string" && KEYS[kind][name].some((prefix) => key.startsWith(prefix))) put(storage, key, value);
    }
  }
}

/** @param {Storage} storage @param {string} key @param {string} value */
function put(storage, key, value) {
  try {
    storage.setItem(key, value);
  } catch (reason) {
    console.warn("storage could not be written", key, reason);
  }
}

/** @returns {["local" | "session", Storage][]} those that this browser lets us use */
function storages() {
  try {
    return [["local", localStorage], ["session", sessionStorage]];
  } catch (reason) {
    console.warn("no storage", reason);
    return [];
  }
}

/** @param {object} value @returns {string} letters that are safe in an address */
export function packed(value) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text @returns {any} any: what was packed; null where it was nothing of ours */
export function unpacked(text) {
  try {
    const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const value = JSON.parse(new TextDecoder().decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0))));
    return typeof value === "object" ? value : null;
  } catch (reason) {
    console.warn("not of ours", reason);
    return null;
  }
}
