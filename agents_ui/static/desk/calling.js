// desk/calling.js - times of call-backs: between the server's clock and the field in which people write them
import { serverNow } from "../shared/time.js";

const MINUTE_MS = 60_000;

/** In so many minutes, to the minute; or tomorrow at this hour. @param {number} minutes @param {number} [hour] */
export function soon(minutes, hour) {
  if (hour === undefined) return serverNow() + minutes * MINUTE_MS;
  const day = new Date();
  day.setDate(day.getDate() + 1);
  day.setHours(hour, 0, 0, 0);
  return day.getTime() + ahead();
}

/** The server's time of what stands in a datetime-local field. @param {string} text */
export const atTime = (text) => Math.round(new Date(text).getTime() + ahead());

/** What a datetime-local field shows for the server's time. @param {number} at_ms */
export function inputTime(at_ms) {
  const here = new Date(at_ms - ahead());
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return `${here.getFullYear()}-${two(here.getMonth() + 1)}-${two(here.getDate())}T${two(here.getHours())}:${two(here.getMinutes())}`;
}

/** How far the server's clock is ahead of this one. */
const ahead = () => serverNow() - Date.now();
