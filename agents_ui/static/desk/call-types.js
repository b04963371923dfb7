// desk/call-types.js - a call on the desk's wire (docs/architecture.md section 11.3); types only, nothing to load

/**
 * @typedef {object} Call
 * @property {string} interaction_id
 * @property {string} call_id empty: there was no call yet, as of a call-back before it is dialled
 * @property {"in" | "out"} direction
 * @property {"" | "waiting" | "dialling" | "connected" | "held" | "ended"} state
 * @property {string} why of ended: caller_hung_up, agent_hung_up, cancelled, no_answer, busy, refused, failed, lost or forwarded; of connected: why it could not be forwarded
 * @property {number} since_ms
 * @property {number} connected_ms 0: nobody talked
 * @property {boolean} recording
 * @property {boolean} silent
 * @property {string} address
 * @property {boolean} dialable
 * @property {{hold: boolean, dtmf: boolean, forward: boolean, record: boolean, dial: boolean}} can
 */

/**
 * What calls need of the desk, said here: a type that is inferred from the desk would have to know the desk's calls.
 * @typedef {object} CallDesk
 * @property {import("./store.js").Store} store
 * @property {import("@preact/signals").ReadonlySignal<boolean>} live
 * @property {import("@preact/signals").ReadonlySignal<import("../types.js").Me | null>} me
 * @property {string} callKey
 * @property {(command: {kind: string, [field: string]: unknown}) => Promise<import("../types.js").Answer>} ask
 * @property {(command: {kind: string, [field: string]: unknown}) => Promise<import("../types.js").Answer>} order
 */

export {};
