// call/desk-calls.js - the agent's side of a call: one line at a time, opened by itself, and again when it was lost
import { batch, computed, effect, signal } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";
import { uniqueId } from "../shared/unique.js";
import { loadWords, say } from "../shared/words.js";
import { makeDigits } from "./digits.js";
import { openLine } from "./line.js";
import { addSheet } from "./sheet.js";
import { openSpeaking } from "./speaking.js";

const WINDOW = "muster.desk.window"; // this window's name, the same after a reload
const MUTED = "muster.desk.muted-call"; // the call that is muted here: a reload must not let it be heard
const AGAIN_MS = [0, 500, 1000, 2000, 4000]; // before each try to get the line back
const LASTING_MS = 10_000; // when a line this old is lost, the first try is at once again
/** Refusals after which trying again changes nothing. */
const FINAL = ["no_call", "wrong_state", "not_yours", "already_ended", "bad_sdp", "session_ended"];

/** asking: for the microphone; elsewhere: in another window of this agent; over: there is nothing to connect to */
/** @typedef {"" | "asking" | "connecting" | "live" | "trouble" | "again" | "elsewhere" | "over"} Phase */

/** @typedef {Awaited<ReturnType<typeof openCalls>>} Calls */

/** @param {import("../desk/call-types.js").CallDesk} desk */
export async function openCalls(desk) {
  await Promise.all([loadWords("call-desk"), addSheet("call")]);
  const window_id = kept(sessionStorage, WINDOW, "") || uniqueId();
  keep(sessionStorage, WINDOW, window_id);
  const id = signal(""); // whose line this window has, or tries to get
  const phase = signal(/** @type {Phase} */ (""));
  const why = signal(""); // in words, where it does not work
  const line = signal(/** @type {import("./line.js").Line | null} */ (null));
  const speaking = openSpeaking((track) => line.peek()?.speak(track));
  const wanted = computed(() => talkingOf(desk));
  const available = computed(() => !!desk.me.value?.available);
  let round = 0; // tells what is over from what goes on
  let tries = 0;

  /** @param {string} interaction_id @param {{take?: boolean, kind?: "call_connect" | "call_dial"}} [how] */
  async function connect(interaction_id, { take = false, kind = "call_connect" } = {}) {
    const mine = ++round;
    line.peek()?.close();
    keep(sessionStorage, desk.callKey, interaction_id);
    speaking.muted.value = kept(sessionStorage, MUTED, "") === interaction_id;
    batch(() => ((id.value = interaction_id), (phase.value = "asking")));
    const track = await speaking.open();
    if (mine !== round) return;
    phase.value = "connecting";
    const begun_ms = performance.now();
    const opened = openLine({ track, exchange: (sdp) => exchange({ kind, interaction_id, ...(kind === "call_connect" && { take }) }, sdp) });
    line.value = opened;
    opened.begun.catch((reason) => mine === round && refused(mine, reason, kind === "call_dial"));
    effect(() => heard(mine, opened.state.value, begun_ms));
  }

  /** @param {{kind: string, interaction_id: string}} command @param {string} sdp */
  async function exchange(command, sdp) {
    const answer = await desk.ask({ ...command, window: window_id, sdp });
    if (answer.ok) return answer.value.sdp;
    throw Object.assign(new Error(answer.text), { code: answer.code });
  }

  /** @param {number} mine @param {import("./line.js").LineState} state @param {number} begun_ms */
  function heard(mine, state, begun_ms) {
    if (mine !== round) return;
    if (state === "live" || state === "trouble") batch(() => ((phase.value = state), (why.value = "")));
    if (state !== "lost") return;
    if (performance.now() - begun_ms > LASTING_MS) tries = 0;
    queueMicrotask(() => mine === round && again(mine)); // after the reason, if there is one
  }

  /** @param {number} mine @param {Error & {code?: string}} reason @param {boolean} dialled */
  function refused(mine, reason, dialled) {
    const { code = "" } = reason;
    if (!code) console.warn("no line", reason);
    why.value = code ? reason.message : say("call_no_line");
    if (code === "elsewhere") phase.value = "elsewhere";
    else if (dialled || FINAL.includes(code)) phase.value = "over"; // to dial anew is the agent's decision
    else again(mine);
  }

  /** @param {number} mine */
  function again(mine) {
    if (["again", "elsewhere", "over"].includes(phase.peek())) return;
    phase.value = "again";
    setTimeout(() => mine === round && phase.peek() === "again" && connect(id.peek()), AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
  }

  function release() {
    round += 1;
    tries = 0;
    line.peek()?.close();
    batch(() => ((line.value = null), (id.value = ""), (phase.value = ""), (why.value = "")));
    speaking.close();
  }

  effect(() => void (available.value && speaking.prepare()));
  effect(() => {
    const call = wanted.value;
    if (!desk.live.value) return; // while nothing can be asked, the sound goes on
    if (call && call.interaction_id !== id.peek()) queueMicrotask(() => call === wanted.peek() && connect(call.interaction_id));
    else if (!call && id.peek() && isOver(desk, id.peek())) queueMicrotask(release);
  });

  return {
    id,
    phase,
    why,
    line,
    speaking,
    press: makeDigits((interaction_id, digits) => desk.order({ kind: "call_dtmf", interaction_id, digits })),
    mute() {
      if (!line.peek()) return;
      speaking.muted.value = !speaking.muted.peek();
      keep(sessionStorage, MUTED, speaking.muted.peek() ? id.peek() : undefined);
    },
    /** @param {string} interaction_id */
    take: (interaction_id) => connect(interaction_id, { take: true }),
    /** @param {string} interaction_id */
    dial: (interaction_id) => connect(interaction_id, { kind: "call_dial" }),
    /** @param {import("../desk/call-types.js").Call} call */
    hold: (call) => call.can.hold && desk.order({ kind: "call_hold", interaction_id: call.interaction_id, held: call.state !== "held" }),
    /** @param {import("../desk/call-types.js").Call} call @param {string} to */
    forward: (call, to) => desk.order({ kind: "call_forward", interaction_id: call.interaction_id, to }),
    /** @param {import("../desk/call-types.js").Call} call */
    record: (call) => desk.order({ kind: "call_record", interaction_id: call.interaction_id, on: !call.recording }),
  };
}

/**
 * The call that this window should be on by itself: accepted or dialled here, or in the only window there is.
 * @param {import("../desk/call-types.js").CallDesk} desk
 */
function talkingOf(desk) {
  const here = kept(sessionStorage, desk.callKey, "");
  const open = [...desk.store.call.value.values()].filter((call) => call.state && !isOver(desk, call.interaction_id));
  return open.find((call) => call.interaction_id === here) ?? (desk.me.value?.desks === 1 ? open[0] : undefined);
}

/** Whether a line is of no use any more. @param {import("../desk/call-types.js").CallDesk} desk @param {string} interaction_id */
function isOver(desk, interaction_id) {
  const talk = desk.store.conversation.value.get(interaction_id);
  const call = desk.store.call.value.get(interaction_id);
  return !call || call.state === "ended" || !talk || talk.wrap_up_since_ms > 0;
}
