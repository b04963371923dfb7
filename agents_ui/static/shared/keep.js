// shared/keep.js - values kept in the browser's storage; a full or forbidden storage costs only the keeping

/**
 * @template T
 * @param {Storage} storage
 * @param {string} key
 * @param {T} otherwise
 * @returns {T} what is kept under the key, or `otherwise`
 */
export function kept(storage, key, otherwise) {
  try {
    const text = storage.getItem(key);
    return text === null ? otherwise : JSON.parse(text);
  } catch (reason) {
    console.warn("storage could not be read", key, reason);
    return otherwise;
  }
}

/**
 * Everything kept under keys that begin with the prefix.
 * @param {Storage} storage
 * @param {string} prefix
 * @returns {any[]} any: what was kept
 */
export function keptUnder(storage, prefix) {
  try {
    const keys = Object.keys(storage).filter((key) => key.startsWith(prefix));
    return keys.map((key) => kept(storage, key, null)).filter((value) => value !== null);
  } catch (reason) {
    console.warn("storage could not be read", prefix, reason);
    return [];
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 * @param {unknown} value undefined removes the key
 */
export function keep(storage, key, value) {
  try {
    if (value === undefined) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch (reason) {
    console.warn("storage could not be written", key, reason);
  }
}
