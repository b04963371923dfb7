// shared/time.js - the clock as the server sees it, and durations and times as people read them
import { signal } from "@preact/signals";

let ahead_ms = 0; // how far the server's clock is ahead of this one

/** Ticks once a second; reading it in a component keeps its durations moving. */
export const second = signal(Date.now());
setInterval(() => (second.value = Date.now()), 1000);

/** @param {number} server_ms */
export function clockHeard(server_ms) {
  ahead_ms = server_ms - Date.now();
}

export const serverNow = () => Date.now() + ahead_ms;

/** 0:07, 12:40, 2 h 05. @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)}`;
}

/** The reader's own way to write times, where it is of the language of the page: en-GB, not en. */
function locale() {
  const { lang } = document.documentElement;
  return navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === lang) ?? lang;
}

/** Hours and minutes on this machine's clock face. @param {number} at_ms server time */
export function clockTime(at_ms) {
  return new Date(at_ms - ahead_ms).toLocaleTimeString(locale(), {
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** With seconds, for outages. @param {number} at_ms this machine's time */
export function exactTime(at_ms) {
  return new Date(at_ms).toLocaleTimeString(locale());
}

/** Date and time. @param {number} at_ms server time */
export function dayAndTime(at_ms) {
  return new Date(at_ms - ahead_ms).toLocaleString(locale(), {
    dateStyle: "medium",
    timeStyle: "short",
  });
}
