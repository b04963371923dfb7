// types.js - shapes on the wire (docs/architecture.md section 6); types only, nothing to load

/** @typedef {{name: string, bytes: number, media_type: string, shows?: string, url: string}} AttachedFile shows: image, audio, video or empty */

/**
 * @typedef {object} ChatConversation
 * @property {"new" | "waiting" | "with_agent" | "ended"} state
 * @property {string} agent_name
 * @property {string} [interaction_id]
 * @property {string} [moved_to] the site at which it goes on
 * @property {boolean} nobody_there
 * @property {string} notice
 * @property {string} site
 * @property {{characters: number, attachment_bytes: number}} limits
 */

/**
 * @typedef {object} ChatMessage
 * @property {string} message_id
 * @property {string} [interaction_id]
 * @property {string} client_id
 * @property {string} seq
 * @property {number} at_ms
 * @property {"you" | "agent" | "system"} from
 * @property {"text" | "attachment" | "place"} kind
 * @property {string} text
 * @property {AttachedFile | null} file
 */

/**
 * @typedef {object} Me
 * @property {string} agent_id
 * @property {string} name
 * @property {string} role
 * @property {boolean} available
 * @property {string} reason
 * @property {number} presence_since_ms
 * @property {string} activity idle, offered, engaged or wrap-up
 * @property {number} load 0 to 100
 * @property {number} desks
 */

/**
 * @typedef {object} Why
 * @property {string} rule_id
 * @property {number} score
 * @property {number} step
 * @property {string} strategy
 * @property {string} tie_break
 * @property {{reason: string, count: number, agent_ids: string[]}[]} passed_over
 */

/**
 * @typedef {object} Offer
 * @property {string} offer_id
 * @property {string} interaction_id
 * @property {string} channel
 * @property {number} urgency
 * @property {string} queue_id
 * @property {number} accepted_at_ms
 * @property {number} deadline_ms
 * @property {string} language
 * @property {string} summary
 * @property {string} reading
 * @property {string} follows what a call-back follows, else empty
 * @property {Why} why
 * @property {boolean} returning
 */

/**
 * @typedef {object} Conversation
 * @property {string} interaction_id
 * @property {string} channel
 * @property {number} urgency
 * @property {string} queue_id
 * @property {number} accepted_at_ms
 * @property {number} assigned_at_ms
 * @property {number} wrap_up_since_ms
 * @property {string} customer_id
 * @property {string} customer_label
 * @property {boolean | null} connected null: a channel without a live line, where nobody is there or away
 * @property {string} language
 * @property {string} reading
 * @property {string} follows
 * @property {number} earlier
 * @property {string} [account] of ours, by which answers go
 * @property {number} reply_until_ms until when the channel takes an answer; 0: at any time
 * @property {string} [unwanted] why they want no answer: opted_out, opted_out_blocked; or empty
 * @property {{category: string, state: "in" | "out", at_ms: number}[]} [consent] what they said about messages
 * @property {{since_ms: number, reason: string} | null} [text_off] texts are switched off here
 * @property {number} [files_bytes_max] the largest file that can be sent; 0: none
 * @property {import("./places/types.js").Placed | null} [place] where the customer is said to be
 * @property {string} traffic
 */

/** @typedef {import("./desk/message-types.js").Message} Message */

/**
 * @typedef {object} Queue
 * @property {string} queue_id
 * @property {number[]} waiting five counts, by urgency
 * @property {number} oldest_at_ms
 */

/**
 * @typedef {object} Alarm
 * @property {string} alarm_id
 * @property {number} at_ms
 * @property {string} code
 * @property {string} ref
 * @property {string} detail
 */

/** @typedef {{id: string, name: string}} Named */

/**
 * @typedef {object} DeskWords
 * @property {Named[]} queues
 * @property {Named[]} channels
 * @property {Named[]} reasons
 * @property {Named[]} dispositions
 * @property {{agent_id: string, name: string}[]} agents
 * @property {{account: string, id: string, language: string, category: string, text: string}[]} [templates]
 * @property {string} site
 * @property {boolean} [calls] whether calls can come in
 * @property {boolean} [pair] whether there is another site, where somebody may be known
 */

/**
 * @typedef {object} Answer
 * @property {boolean} ok
 * @property {string} code
 * @property {string} text
 * @property {any} [value] any: each command has its own, see docs/architecture.md
 */

export {};
