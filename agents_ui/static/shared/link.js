// shared/link.js - a WebSocket that notices silence and gaps, and comes back by itself
import { signal } from "@preact/signals";

const DELAYS_MS = [0, 300, 1000, 2000, 4000, 8000]; // first try at once: a dropped connection is back within 2 s
const OPENING_MS = 5000; // a try that has no snapshot by then is given up
const SETTLED_MS = 3000; // live this long, the next loss starts again with an immediate try
const WATCH_MS = 500;

/**
 * @typedef {object} LinkState
 * @property {"connecting" | "live" | "lost" | "over"} name
 * @property {number} since_ms connecting and lost: when the server was last heard; live: since when
 * @property {boolean} again whether this is a return after a loss
 */

/**
 * Keeps one connection. Numbered messages (`n`) must count up from a snapshot with n = 1; a gap means a new
 * connection and so a new snapshot. `prepare` runs before each try and gives the first message to send, if any.
 *
 * @param {object} options
 * @param {string} options.path
 * @param {(attempt: number) => Promise<object | null>} options.prepare a rejection counts as a failed try
 * @param {(message: any) => void} options.receive any: the wire's messages are told apart by `kind`
 * @param {(code: number) => boolean} options.isFinal whether a close code means never to come back
 * @param {number} options.silentMs nothing heard for this long counts as lost
 * @param {number[]} [options.delaysMs] before each try after a loss; the last one from then on
 * @param {boolean} [options.beats] false: only from the first beat on, should the server send none
 */
export function openLink({ path, prepare, receive, isFinal, silentMs, delaysMs = DELAYS_MS, beats = true }) {
  /** @type {import("@preact/signals").Signal<LinkState>} */
  const state = signal({ name: "connecting", since_ms: Date.now(), again: false });
  /** @type {WebSocket | null} */
  let socket = null;
  let round = 0; // tells a late callback of an old try from one of the present try
  let attempt = 0;
  let next_n = 0;
  let heard_ms = Date.now();
  let answer_due_ms = 0;
  let beaten = beats;
  let timer = 0;

  function connect() {
    clearTimeout(timer);
    const mine = ++round;
    timer = setTimeout(() => lose(mine), OPENING_MS);
    prepare(attempt).then((hello) => mine === round && open(mine, hello), () => lose(mine));
  }

  /** @param {number} mine @param {object | null} hello */
  function open(mine, hello) {
    next_n = 0;
    beaten = beats;
    const opened = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    opened.onopen = () => mine === round && hello !== null && opened.send(JSON.stringify(hello));
    opened.onmessage = (event) => mine === round && hear(mine, JSON.parse(event.data));
    opened.onclose = (event) => mine === round && (isFinal(event.code) ? end() : lose(mine));
    socket = opened;
  }

  /** @param {number} mine @param {any} message any: see receive */
  function hear(mine, message) {
    heard_ms = Date.now();
    answer_due_ms = 0;
    beaten ||= message.kind === "beat";
    if (message.kind === "snapshot") begin(mine);
    else if (next_n === 0) return; // before its snapshot a connection has nothing to say
    else if (message.n !== undefined && message.n !== next_n) return lose(mine);
    if (message.n !== undefined) next_n = message.n + 1;
    receive(message);
  }

  /** @param {number} mine */
  function begin(mine) {
    clearTimeout(timer);
    timer = setTimeout(() => mine === round && (attempt = 0), SETTLED_MS);
    state.value = { name: "live", since_ms: heard_ms, again: state.value.name === "lost" };
  }

  /** @param {number} mine */
  function lose(mine) {
    if (mine !== round) return;
    round += 1;
    socket?.close();
    socket = null;
    if (state.value.name !== "lost") state.value = { name: "lost", since_ms: heard_ms, again: false };
    const delay = delaysMs[Math.min(attempt, delaysMs.length - 1)];
    attempt += 1;
    clearTimeout(timer);
    timer = setTimeout(connect, delay * (0.75 + Math.random() / 2)); // so that a room does not return in step
  }

  function end() {
    round += 1;
    clearTimeout(timer);
    clearInterval(watch);
    socket?.close();
    socket = null;
    state.value = { name: "over", since_ms: heard_ms, again: false };
  }

  function look() {
    if (state.value.name !== "live") return;
    const now = Date.now();
    if (beaten && now - heard_ms > silentMs) lose(round);
    else if (answer_due_ms && now > answer_due_ms) lose(round);
  }

  /** The network or the person came back: no reason to wait for the next try. */
  function hurry() {
    if (state.value.name === "over") return;
    look();
    if (state.value.name === "live" || socket?.readyState === WebSocket.CONNECTING) return;
    attempt = 0;
    connect();
  }

  const watch = setInterval(look, WATCH_MS);
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hurry());
  connect();

  return {
    state,
    end,
    /** @param {object} message @returns {boolean} whether it was handed to a live connection */
    send(message) {
      if (state.value.name !== "live" || socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
    /** Something must be heard within this time, or the connection counts as lost. @param {number} ms */
    expect: (ms) => {
      answer_due_ms ||= Date.now() + ms;
    },
  };
}
