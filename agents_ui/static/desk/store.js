// desk/store.js - the entities a desk may see, exactly as the server last said; no opinion of its own
import { batch, signal } from "@preact/signals";

/** @template T @typedef {import("@preact/signals").Signal<Map<string, T>>} Entities */

/**
 * @typedef {object} Store
 * @property {Entities<import("../types.js").Me>} me
 * @property {Entities<import("../types.js").Offer>} offer
 * @property {Entities<import("../types.js").Conversation>} conversation
 * @property {Entities<import("../types.js").Message>} message
 * @property {Entities<import("./call-types.js").Call>} call
 * @property {Entities<import("../types.js").Queue>} queue
 * @property {Entities<import("../types.js").Alarm>} alarm
 * @property {Entities<import("./person-types.js").Person>} customer
 * @property {Entities<import("./person-types.js").Dual>} dual
 * @property {import("@preact/signals").Signal<import("../types.js").DeskWords | null>} words
 */

const KINDS = ["me", "offer", "conversation", "message", "call", "queue", "alarm", "customer", "dual"];

/** @param {string[]} [kinds] the tables; those of the desk unless told otherwise */
export function makeStore(kinds = KINDS) {
  const store = /** @type {Store} */ ({ words: signal(null) });
  for (const kind of kinds) Object.assign(store, { [kind]: signal(new Map()) });

  return {
    store,
    /** @param {any} message any: a snapshot as in docs/architecture.md section 6.2 */
    snapshot(message) {
      batch(() => {
        store.words.value = message.words;
        for (const kind of kinds) setAll(store, kind, asEntries(kind, message.entities[kind] ?? {}));
      });
    },
    /** @param {any[]} changes any: puts and drops, told apart by their key */
    apply(changes) {
      const next = changed(store, changes);
      batch(() => Object.entries(next).forEach(([kind, values]) => setAll(store, kind, values)));
    },
  };
}

/**
 * The tables that these changes touch, as they are afterwards. With a conversation its messages and its call go.
 * @param {Store} store
 * @param {any[]} changes any: see apply
 */
function changed(store, changes) {
  /** @type {Record<string, Map<string, any>>} any: each kind has its own values */
  const next = {};
  const table = (/** @type {string} */ kind) => (next[kind] ??= new Map(/** @type {any} */ (store)[kind].value));
  for (const { put, drop, id, value } of changes) {
    if (put) table(put).set(id, value);
    else table(drop).delete(id);
    if (drop === "conversation") {
      table("call").delete(id);
      for (const [message_id, message] of table("message")) {
        if (message.interaction_id === id) table("message").delete(message_id);
      }
    }
  }
  return next;
}

/** @param {Store} store @param {string} kind @param {Iterable<[string, any]>} entries any: the kind's values */
function setAll(store, kind, entries) {
  const target = /** @type {any} */ (store)[kind]; // any: chosen by name
  target.value = new Map(entries);
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
