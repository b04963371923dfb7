// shared/outbox.js - what a person wrote and the server has not confirmed yet; survives a reload
import { signal } from "@preact/signals";
import { keep, kept } from "./keep.js";

/**
 * @typedef {object} Unsent
 * @property {string} client_id
 * @property {string} text
 * @property {number} at_ms
 * @property {"unsaved" | "kept" | "refused"} state
 * @property {string} [why] why it was refused
 * @property {string} [interaction_id] desk only
 * @property {"reply" | "note"} [kind] desk only
 */

/**
 * An outbox. Entries leave it when the server shows them back; until then they are on the page as not yet saved.
 * @param {Storage} storage
 * @param {string} key
 */
export function openOutbox(storage, key) {
  /** @type {import("@preact/signals").Signal<Unsent[]>} */
  const entries = signal(kept(storage, key, []));

  /** @param {Unsent[]} changed */
  function put(changed) {
    entries.value = changed;
    const unsaved = changed.filter((entry) => entry.state !== "kept"); // what is saved needs no second copy
    keep(storage, key, unsaved.length ? unsaved : undefined);
  }

  /** @param {string} client_id @param {Partial<Unsent>} change */
  function mark(client_id, change) {
    put(entries.value.map((entry) => (entry.client_id === client_id ? { ...entry, ...change } : entry)));
  }

  return {
    entries,
    /** @param {Unsent} entry */
    add: (entry) => put([...entries.value, entry]),
    /** @param {string} client_id */
    keptOnDisk: (client_id) => mark(client_id, { state: "kept" }),
    /** @param {string} client_id @param {string} why */
    refused: (client_id, why) => mark(client_id, { state: "refused", why }),
    /** @param {string} client_id */
    forget: (client_id) => put(entries.value.filter((entry) => entry.client_id !== client_id)),
    /** Entries the server shows back are its own from now on. @param {Set<string>} known client ids */
    settle(known) {
      const left = entries.value.filter((entry) => !known.has(entry.client_id));
      if (left.length !== entries.value.length) put(left);
    },
    clear: () => put([]),
  };
}
