// desk/person-types.js - the person behind a conversation, and who else answered them, as on the wire (docs/architecture.md section 6.2); types only

/**
 * @typedef {object} Identity
 * @property {string} identity_id
 * @property {string} channel
 * @property {string} account
 * @property {boolean} verified
 * @property {number} at_ms
 * @property {string} address empty: it has none that can be shown, or it was erased
 * @property {{from_customer_id: string, at_ms: number, why: string, command_id: string, by_name: string} | null} moved
 */

/**
 * @typedef {object} Known
 * @property {string} customer_id
 * @property {string} name
 * @property {string} identity_id
 * @property {string} channel
 * @property {string} account
 * @property {string} address
 */

/**
 * @typedef {object} OtherOpen
 * @property {string} interaction_id
 * @property {string} channel
 * @property {string} state parked, waiting, offered or assigned
 * @property {number} urgency
 * @property {string} queue_id
 * @property {number} accepted_at_ms
 * @property {string} agent_id
 * @property {string} agent_name
 * @property {number} wrap_up_since_ms
 * @property {number} parked_until_ms of a call-back before its time, else 0
 * @property {string} follows
 */

/**
 * @typedef {object} Person
 * @property {string} customer_id
 * @property {string} name
 * @property {Identity[]} identities
 * @property {Known[]} claims_to_be
 * @property {OtherOpen[]} others everything open of this person, one's own included
 */

/**
 * @typedef {object} Dual somebody at the other site answered this agent's conversation as well
 * @property {string} interaction_id
 * @property {string} agent_id
 * @property {string} other_agent_id
 * @property {string} other_name
 * @property {string} other_site its name
 * @property {number} at_ms
 * @property {string} channel
 * @property {string} customer_label
 */

export {};
