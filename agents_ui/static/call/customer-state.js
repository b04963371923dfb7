// call/customer-state.js - what the customer's page knows of its call
import { signal } from "@preact/signals";

/** asking: for the microphone; calling: nothing is known yet; again: the line was lost; failed: before it was a call */
/** @typedef {"" | "asking" | "calling" | "waiting" | "connected" | "held" | "trouble" | "again" | "ended" | "failed"} Phase */

export const makeState = () => ({
  phase: signal(/** @type {Phase} */ ("")),
  why: signal(""), // of ended and failed: a code
  position: signal(0), // in line, from 1; 0: not known
  connected_ms: signal(0), // this machine's time
  line: signal(/** @type {import("./line.js").Line | null} */ (null)),
});
