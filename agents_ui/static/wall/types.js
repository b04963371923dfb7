// wall/types.js - shapes on the wall's wire (docs/architecture.md section 10); types only, nothing to load

/**
 * @typedef {object} WallUrgent
 * @property {string} interaction_id
 * @property {"waiting" | "offered" | "orphaned" | "overdue"} alone
 * @property {string} channel
 * @property {number} urgency 0: not read yet
 * @property {string} queue_id
 * @property {number} accepted_at_ms
 * @property {number} alarm_at_ms from then on it has waited too long
 * @property {string} agent_id offered to, held by, or waiting for; else empty
 * @property {number} deadline_ms
 * @property {number} offers how often it was offered
 * @property {string} language
 * @property {string} reading
 * @property {string} follows
 * @property {string} traffic
 */

/**
 * @typedef {object} Level
 * @property {string} name
 * @property {number} percent
 * @property {number} within_ms
 * @property {number} within
 * @property {number} due
 * @property {number | null} met_pm
 * @property {number | null} answered_only_pm
 * @property {boolean | null} held
 */

/**
 * @typedef {object} Day
 * @property {number} since_ms
 * @property {number} answered
 * @property {number} abandoned
 * @property {number | null} abandoned_pm
 * @property {number | null} asa_ms
 * @property {Level[]} levels
 */

/** @typedef {import("../types.js").Queue & Day} WallQueue */

/**
 * @typedef {object} WallCall
 * @property {string} interaction_id
 * @property {string} agent_id
 * @property {"in" | "out"} direction
 * @property {"waiting" | "dialling" | "connected" | "held"} state
 * @property {number} since_ms
 * @property {number} connected_ms
 * @property {boolean} recording
 * @property {boolean} silent
 */

/**
 * @typedef {object} Hold
 * @property {string} interaction_id
 * @property {string} channel
 * @property {number} urgency
 * @property {string} queue_id
 * @property {string} activity
 * @property {number} since_ms
 * @property {string} traffic
 */

/**
 * @typedef {object} WallAgent
 * @property {string} agent_id
 * @property {string} name
 * @property {string} role
 * @property {string} group left, offered, engaged, wrap-up, idle, away or absent
 * @property {number} since_ms
 * @property {boolean} available
 * @property {string} reason
 * @property {number} presence_since_ms
 * @property {number} desks
 * @property {number} grace_until_ms
 * @property {number} load
 * @property {Hold[]} holds
 */

/**
 * @typedef {Day & {
 *   site_id: string, name: string, contacts: Record<string, number>, not_real: number, urgent: number,
 *   urgent_ids: string[], agents: Record<string, number>, occupancy_pm: number | null, alarms: number,
 *   roles: {role: string, ok: boolean, count: number, behind: number, behind_since_ms: number}[],
 * }} WallSite
 */

export {};
