// call/standing.js - how a call stands, in one honest sentence; pure
import { hasWords, say } from "../shared/words.js";

const LIVE = { waiting: "call_joining", dialling: "call_dialling", connected: "call_connected", "": "call_dialling", held: "call_held" };

/**
 * @param {import("./desk-calls.js").Calls} calls
 * @param {import("../desk/call-types.js").Call} call
 * @returns {{tone: "good" | "waiting" | "trouble" | "over", text: string, more: string}}
 */
export function standing(calls, call) {
  const here = calls.id.value === call.interaction_id;
  const phase = here ? calls.phase.value : "";
  const why = here ? calls.why.value : "";
  if (phase === "over" && why) return { tone: "trouble", text: why, more: "" };
  if (call.state === "ended") return ended(call);
  if (phase === "connecting" && call.state !== "connected") return { tone: "waiting", text: say(call.direction === "out" ? "call_dialling" : "call_connecting"), more: "" };
  if (phase === "asking") return { tone: "waiting", text: say("call_asking"), more: say("call_asking_more") };
  if (!call.state && phase !== "live") return { tone: "waiting", text: say(call.can.dial ? "call_to_dial" : "call_cannot_dial"), more: "" };
  if (!here || phase === "elsewhere") return { tone: "trouble", text: say("call_elsewhere"), more: say("call_elsewhere_more") };
  if (phase === "connecting") return { tone: "waiting", text: say("call_connecting"), more: "" };
  if (phase === "again" || phase === "trouble") return { tone: "trouble", text: say(`call_${phase}`), more: why };
  const more = call.state === "connected" && call.why ? say("call_not_forwarded") : "";
  return { tone: call.state === "connected" ? "good" : "waiting", text: say(LIVE[call.state]), more };
}

/** What there is to do after the end. A page whose call was cut off calls again, and waits for its agent. @param {import("../desk/call-types.js").Call} call */
function next(call) {
  if (call.can.dial) return "call_ended_dial";
  return call.why === "lost" && !call.address ? "call_ended_page" : "call_ended_more";
}

/** @param {import("../desk/call-types.js").Call} call @returns {{tone: "trouble" | "over", text: string, more: string}} */
function ended(call) {
  const key = `call_ended_${call.why}`;
  const cut = call.why === "lost" || call.why === "failed";
  return { tone: cut ? "trouble" : "over", text: say(hasWords(key) ? key : "call_ended"), more: say(next(call)) };
}
