// desk/message-types.js - what one message is to a desk, and how far it has come

/**
 * @typedef {object} Message
 * @property {string} message_id
 * @property {string} interaction_id the conversation it is shown in
 * @property {string} said_in the interaction it belongs to: of a call-back perhaps the one it follows
 * @property {string} seq
 * @property {number} at_ms
 * @property {"in" | "out" | "note" | "system"} direction
 * @property {string} author_id
 * @property {string} author_name
 * @property {string} kind
 * @property {string} text
 * @property {string} [notice] what to know about it besides, in the centre's words
 * @property {import("./parts/mail-head.js").Mail | null} [mail] what a mail says beside its words
 * @property {import("../types.js").AttachedFile | null} file
 * @property {import("../types.js").AttachedFile[]} [files] read out of it, or fetched
 * @property {number} [files_wanted] still being fetched
 * @property {number} [files_lost]
 * @property {string} [raw] address of the whole of it as it arrived, where it is shown by its parts
 * @property {string} client_id
 * @property {string} status of what was said: due or late (still to leave), sent, delivered, read, failed, or empty
 * @property {string} trouble why it is late or failed, or maybe_twice
 * @property {string} reading
 * @property {Way | null} [way] by which provider's channel it goes
 */

/**
 * @typedef {object} Way
 * @property {string} channel
 * @property {string} template of which approved message it is made, or empty
 * @property {string} instead_of the message that did not arrive, or empty
 * @property {string} instead_of_channel
 * @property {string} other what went instead of it; none: there is no other way; empty: nothing did
 * @property {string} other_channel
 * @property {string} other_why
 */

export {};
