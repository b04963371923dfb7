// desk/store.js - the entities a desk may see, exactly as the server last said; no opinion of its own
import { batch, signal } from "@preact/signals";

/** @template T @typedef {import("@preact/signals").Signal<Map<string, T>>} Entities */

/**
 * @typedef {object} Store
 * @property {Entities<import("../types.js").Me>} me
 * @property {Entities<import("../types.js").Offer>} offer
 * @property {Entities<import("../types.js").Conversation>} conversation
 * @property {Entities<import("../types.js").Message>} message
 * @property {Entities<import("../types.js").Queue>} queue
 * @property {Entities<import("../types.js").Alarm>} alarm
 * @property {import("@preact/signals").Signal<import("../types.js").DeskWords | null>} words
 */

const KINDS = /** @type {const} */ (["me", "offer", "conversation", "message", "queue", "alarm"]);

export function makeStore() {
  const store = /** @type {Store} */ ({ words: signal(null) });
  for (const kind of KINDS) Object.assign(store, { [kind]: signal(new Map()) });

  return {
    store,
    /** @param {any} message any: a snapshot as in docs/architecture.md section 6.2 */
    snapshot(message) {
      batch(() => {
        store.words.value = message.words;
        for (const kind of KINDS) setAll(store, kind, asEntries(kind, message.entities[kind] ?? {}));
      });
    },
    /** @param {any[]} changes any: puts and drops, told apart by their key */
    apply(changes) {
      batch(() => {
        for (const kind of KINDS) {
          const mine = changes.filter((change) => (change.put ?? change.drop) === kind);
          if (mine.length) applyTo(store, kind, mine);
        }
      });
    },
  };
}

/** @param {Store} store @param {string} kind @param {[string, any][]} entries any: the kind's values */
function setAll(store, kind, entries) {
  const target = /** @type {any} */ (store)[kind]; // any: chosen by name
  target.value = new Map(entries);
}

/** @param {Store} store @param {string} kind @param {any[]} changes any: see apply */
function applyTo(store, kind, changes) {
  const target = /** @type {any} */ (store)[kind]; // any: chosen by name
  const next = new Map(target.value);
  for (const change of changes) {
    if (change.put) next.set(change.id, change.value);
    else next.delete(change.id);
  }
  target.value = next;
}

/**
 * `me` may come as one value; everything else is a table by id.
 * @param {string} kind
 * @param {any} entities any: as sent
 * @returns {[string, any][]}
 */
function asEntries(kind, entities) {
  if (kind === "me") return entities.agent_id ? [[entities.agent_id, entities]] : Object.entries(entities);
  return Object.entries(entities);
}
