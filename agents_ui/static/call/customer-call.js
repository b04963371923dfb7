// call/customer-call.js - the customer's side of a call: in line, talking, on hold, lost and found again, over
import { batch, effect } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";
import { loadWords } from "../shared/words.js";
import { askForCall, ELSEWHERE, OPEN, PASSING, request } from "./customer-door.js";
import { makeState } from "./customer-state.js";
import { openLine } from "./line.js";
import { addSheet } from "./sheet.js";
import { openSpeaking } from "./speaking.js";
import { stayAwake } from "./staying.js";

const KEY = "muster.chat.call"; // this tab has a call, {muted}: after a reload it goes on
const BACK_WITHIN_MS = 60_000; // a call that was cut off is made again by itself; later nobody may be there any more
const LOOK_MS = { waiting: 2000, otherwise: 4000 };
const AGAIN_MS = [0, 1000, 2000, 4000, 8000];

/** @typedef {Awaited<ReturnType<typeof openCustomerCall>>} CustomerCall */

/** @param {{number: string, notice: string}} centre what to do otherwise: its number, its words */
export async function openCustomerCall(centre) {
  await Promise.all([loadWords("call-chat"), addSheet("call")]);
  const state = makeState();
  const { phase, why, position, connected_ms, line } = state;
  const speaking = openSpeaking((track) => line.peek()?.speak(track));
  const { muted } = speaking;
  const awake = stayAwake();
  let round = 0;
  let tries = 0;
  let known = ""; // how the call stands for the centre
  let timer = 0; // until the next look
  let pending = 0; // until the line is tried again
  let open_ms = 0; // when the centre last said that the call goes on

  function begin() {
    tries = 0;
    known = "";
    batch(() => ((phase.value = "asking"), (why.value = ""), (position.value = 0), (connected_ms.value = 0)));
    awake.begin();
    connect();
  }

  async function connect() {
    const mine = ++round;
    line.peek()?.close();
    const track = await speaking.open();
    if (mine !== round) return;
    if (!track && !known) return over("failed", `microphone_${speaking.problem.peek()}`);
    if (!known) phase.value = "calling";
    const opened = openLine({ track, exchange: (sdp) => askForCall(sdp).then(accepted) });
    line.value = opened;
    opened.begun.then(() => void (mine === round && look()), (reason) => void (mine === round && refused(reason)));
    effect(() => heard(mine, opened.state.value));
  }

  /** @param {string} sdp the centre's answer: it has the call */
  function accepted(sdp) {
    known ||= "waiting";
    open_ms = Date.now();
    keep(sessionStorage, KEY, { muted: muted.peek() });
    return sdp;
  }

  /** @param {number} mine @param {import("./line.js").LineState} state */
  function heard(mine, state) {
    if (mine !== round || !known) return;
    if (state === "live") show();
    if (state === "trouble") phase.value = "trouble";
    if (state === "lost") known === ELSEWHERE ? over("ended", ELSEWHERE) : again();
  }

  /** @param {Error & {code?: string}} reason */
  function refused(reason) {
    const { code = "" } = reason;
    if (known && PASSING.includes(code)) again();
    else over("failed", code || "line");
  }

  /** The place in line is kept for a while: the way back is opened by itself. */
  function again() {
    phase.value = "again";
    pending ||= setTimeout(() => ((pending = 0), connect()), AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
  }

  async function look() {
    clearTimeout(timer);
    const mine = round;
    const { status, body } = await request("GET");
    if (mine !== round) return;
    if (status === 200) {
      if (!OPEN.includes(body.state)) return gone(body.why);
      known = body.state;
      open_ms = Date.now();
      position.value = body.position;
      connected_ms.value = body.connected_ms && Date.now() - (body.now_ms - body.connected_ms);
      show();
    }
    timer = setTimeout(look, known === "waiting" ? LOOK_MS.waiting : LOOK_MS.otherwise);
  }

  /** The centre has no call of ours. Where a process of its died, the way back is a new call, at once. @param {string} code */
  function gone(code) {
    if (code === ELSEWHERE && line.peek()?.state.peek() === "live") return void ((known = ELSEWHERE), show());
    if (code !== "lost" || Date.now() - open_ms > BACK_WITHIN_MS) return over("ended", code);
    known = "waiting";
    position.value = connected_ms.value = 0;
    again();
  }

  /** What the centre says, unless the line has trouble of its own. */
  function show() {
    if (line.peek()?.state.peek() !== "live") return;
    tries = 0;
    phase.value = known === "held" || known === "waiting" ? known : "connected";
  }

  /** @param {"ended" | "failed"} how @param {string} code */
  function over(how, code) {
    round += 1;
    clearTimeout(timer);
    clearTimeout(pending);
    pending = 0;
    known = "";
    keep(sessionStorage, KEY, undefined);
    awake.end();
    line.peek()?.close();
    speaking.close();
    batch(() => ((line.value = null), (phase.value = how), (why.value = code)));
  }

  effect(() => void (muted.value, known && keep(sessionStorage, KEY, { muted: muted.peek() })));
  document.addEventListener("visibilitychange", () => line.peek() && known && look());

  return {
    centre,
    ...state,
    muted,
    /** A new call: nobody begins one unheard. */
    begin: () => ((muted.value = false), begin()),
    hangUp: () => (request("DELETE"), over("ended", "you_hung_up")),
    dismiss: () => (phase.value = ""),
    /** After a reload: back into the call, if it is still there. */
    async resume() {
      const { status, body } = await request("GET");
      muted.value = !!kept(sessionStorage, KEY, { muted: false }).muted;
      if (status === 200 && OPEN.includes(body.state)) return begin();
      keep(sessionStorage, KEY, undefined);
    },
  };
}
