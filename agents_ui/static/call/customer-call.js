// call/customer-call.js - the customer's side of a call: in line, talking, on hold, lost and found again, over
import { batch, effect, signal } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";
import { loadWords } from "../shared/words.js";
import { openLine } from "./line.js";
import { openMicrophone } from "./microphone.js";
import { addSheet } from "./sheet.js";
import { stayAwake } from "./staying.js";

const KEY = "muster.chat.call"; // this tab has a call, {muted}: after a reload it goes on
const BACK_WITHIN_MS = 60_000; // a call that was cut off is made again by itself; later nobody may be there any more
const LOOK_MS = { waiting: 2000, otherwise: 4000 };
const AGAIN_MS = [0, 1000, 2000, 4000, 8000];
const OPEN = ["waiting", "dialling", "connected", "held"];
/** Refusals that pass: the call is tried again by itself while it is open. */
const PASSING = ["voice_away", "no_ports", "away", "slow_down", "not_kept", ""];

/** asking: for the microphone; calling: nothing is known yet; again: the line was lost; failed: before it was a call */
/** @typedef {"" | "asking" | "calling" | "waiting" | "connected" | "held" | "trouble" | "again" | "ended" | "failed"} Phase */

/** @typedef {Awaited<ReturnType<typeof openCustomerCall>>} CustomerCall */

/** @param {{number: string, notice: string}} centre what to do otherwise: its number, its words */
export async function openCustomerCall(centre) {
  await Promise.all([loadWords("call-chat"), addSheet("call")]);
  const phase = signal(/** @type {Phase} */ (""));
  const why = signal(""); // of ended and failed: a code
  const position = signal(0); // in line, from 1; 0: not known
  const connected_ms = signal(0); // this machine's time
  const muted = signal(false);
  const line = signal(/** @type {import("./line.js").Line | null} */ (null));
  const awake = stayAwake();
  /** @type {MediaStreamTrack | null} */
  let track = null;
  let round = 0;
  let tries = 0;
  let known = ""; // how the call stands for the centre
  let timer = 0;
  let open_ms = 0; // when the centre last said that the call goes on

  async function begin() {
    const mine = ++round;
    tries = 0;
    known = "";
    batch(() => ((phase.value = "asking"), (why.value = ""), (position.value = 0), (connected_ms.value = 0)));
    const found = await openMicrophone();
    if (mine !== round) return void found.track?.stop();
    if (!found.track) return over("failed", `microphone_${found.problem}`);
    track = found.track;
    track.enabled = !muted.peek();
    awake.begin();
    connect();
  }

  function connect() {
    const mine = ++round;
    line.peek()?.close();
    if (!known) phase.value = "calling";
    const opened = openLine({ track, exchange });
    line.value = opened;
    opened.begun.then(() => void (mine === round && look()), (reason) => void (mine === round && refused(reason)));
    effect(() => heard(mine, opened.state.value));
  }

  /** @param {string} sdp */
  async function exchange(sdp) {
    const { status, body } = await request("POST", { sdp, language: document.documentElement.lang });
    if (status !== 200) throw Object.assign(new Error(body.text ?? "no call"), { code: body.code ?? "" });
    known ||= "waiting";
    open_ms = Date.now();
    keep(sessionStorage, KEY, { muted: muted.peek() });
    return body.sdp;
  }

  /** @param {number} mine @param {import("./line.js").LineState} state */
  function heard(mine, state) {
    if (mine !== round || !known) return;
    if (state === "live") show();
    if (state === "trouble") phase.value = "trouble";
    if (state === "lost") again();
  }

  /** @param {Error & {code?: string}} reason */
  function refused(reason) {
    const { code = "" } = reason;
    if (known && PASSING.includes(code)) again();
    else over("failed", code || "line");
  }

  /** The place in line is kept for a while: the way back is opened by itself. */
  function again() {
    if (phase.peek() === "again") return;
    phase.value = "again";
    const mine = round;
    setTimeout(() => mine === round && phase.peek() === "again" && connect(), AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
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
    if (code !== "lost" || Date.now() - open_ms > BACK_WITHIN_MS) return over("ended", code);
    known = "waiting";
    position.value = connected_ms.value = 0;
    again();
  }

  /** What the centre says, unless the line has trouble of its own. */
  function show() {
    if (line.peek()?.state.peek() !== "live") return;
    tries = 0;
    phase.value = known === "connected" || known === "held" ? known : "waiting";
  }

  /** @param {"ended" | "failed"} how @param {string} code */
  function over(how, code) {
    round += 1;
    clearTimeout(timer);
    known = "";
    keep(sessionStorage, KEY, undefined);
    awake.end();
    line.peek()?.close();
    track?.stop();
    track = null;
    batch(() => ((line.value = null), (phase.value = how), (why.value = code)));
  }

  effect(() => {
    const enabled = !muted.value;
    if (track) track.enabled = enabled;
    if (known) keep(sessionStorage, KEY, { muted: !enabled });
  });
  document.addEventListener("visibilitychange", () => line.peek() && known && look());

  return {
    centre,
    phase,
    why,
    position,
    connected_ms,
    muted,
    line,
    /** A new call: nobody begins one unheard. */
    begin: () => ((muted.value = false), begin()),
    hangUp() {
      request("DELETE");
      over("ended", "you_hung_up");
    },
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

/** @param {string} method @param {object} [body] @returns {Promise<{status: number, body: any}>} any: see architecture 11.3; status 0: nobody answered */
async function request(method, body) {
  try {
    const response = await fetch("/chat/call", {
      method,
      credentials: "same-origin",
      keepalive: method === "DELETE",
      headers: { "Content-Type": "application/json", "X-Muster": "1" },
      body: body && JSON.stringify(body),
    });
    return { status: response.status, body: await response.json().catch(() => ({})) };
  } catch (reason) {
    console.warn("call", reason);
    return { status: 0, body: {} };
  }
}
