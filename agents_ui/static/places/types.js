// places/types.js - where a customer is said to be, as the desk gets it (docs/architecture.md section 6.2)

/**
 * @typedef {object} Point
 * @property {string} place_id
 * @property {string} message_id what said so; empty: no message did
 * @property {string} source aml, call, device, live, pin, partner, coordinates, plus_code or link
 * @property {string} how gnss, wifi, cell or empty
 * @property {number} lat_e7
 * @property {number} lon_e7
 * @property {string} decimal
 * @property {string} sixtieths degrees, minutes, seconds
 * @property {string} plus_code
 * @property {number} radius_m how exact; 0: not known
 * @property {number} fix_at_ms
 * @property {number} received_at_ms
 * @property {number} confidence percent; 0: not known
 * @property {number | null} altitude_m
 * @property {string} floor
 * @property {string} words
 */

/** @typedef {{newest: Point, tightest: Point | null, points: Point[]}} Placed */

export {};
