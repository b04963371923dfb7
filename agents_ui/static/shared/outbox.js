// shared/outbox.js - what a person wrote and the server has not confirmed yet; survives a reload
import { signal } from "@preact/signals";
import { keep, keptUnder } from "./keep.js";

/**
 * @typedef {object} Unsent
 * @property {string} client_id
 * @property {string} text
 * @property {number} at_ms
 * @property {"unsaved" | "kept" | "refused"} state
 * @property {string} [why] why it was refused
 * @property {string} [interaction_id] desk only
 * @property {"reply" | "note"} [kind] desk only
 * @property {boolean} [emergency] desk only: also to somebody who wants no messages
 */

/**
 * An outbox. Entries leave it when the server shows them back; until then they are on the page as not yet saved.
 * Each entry is kept under a key of its own, so that two windows of one person do not overwrite each other's.
 * @param {Storage} storage
 * @param {string} prefix
 */
export function openOutbox(storage, prefix) {
  const place = (/** @type {string} */ client_id) => `${prefix} ${client_id}`;
  /** @type {Unsent[]} */
  const left = keptUnder(storage, `${prefix} `);
  const entries = signal(left.sort((one, other) => one.at_ms - other.at_ms)); // as they were written

  /** @param {Unsent[]} changed */
  function put(changed) {
    for (const { client_id } of entries.value) keep(storage, place(client_id), undefined);
    for (const entry of changed) {
      if (entry.state !== "kept") keep(storage, place(entry.client_id), entry); // what is saved needs no copy
    }
    entries.value = changed;
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
