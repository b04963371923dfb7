// call/listening.js - a supervisor on a call: hears both, is heard by nobody
import { html } from "../shared/html.js";
import { say } from "../shared/words.js";
import { openLine } from "./line.js";
import { Level } from "./parts/level.js";
import { addSheet } from "./sheet.js";

/** @typedef {ReturnType<typeof openListening>} Listening */

/**
 * @param {import("../wall/wall.js").Wall} wall
 * @param {string} interaction_id
 * @param {() => void} over nothing more is heard
 */
export function openListening(wall, interaction_id, over) {
  addSheet("call");
  const line = openLine({ track: null, listens: true, exchange });
  const stop = line.state.subscribe((state) => state === "lost" && queueMicrotask(over));
  line.begun.catch((reason) => console.warn("not listening", reason)); // why, the wall has said

  /** @param {string} sdp */
  async function exchange(sdp) {
    const answer = await wall.order({ kind: "call_listen", interaction_id, sdp });
    if (!answer.ok) throw new Error(answer.code);
    return answer.value.sdp;
  }
  return {
    Row,
    line,
    close() {
      stop();
      line.close();
    },
  };
}

/** @param {{listening: Listening}} props */
function Row({ listening: { line } }) {
  const text = line.locked.value ? "listen_locked" : line.state.value === "live" ? "listen_live" : "listen_connecting";
  return html`<div class="listen-row"><p role="status"><b>${say(text)}</b></p><${Level} label=${say("listen_level")} level=${line.level} /></div>`;
}
