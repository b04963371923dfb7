// wall/parts/call-mark.js - that something is a call, and how it stands: one small mark with its words
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

const SHAPES = { waiting: "◌", dialling: "◌", connected: "☎", held: "‖" };

/** @param {{call: import("../types.js").WallCall | undefined}} props */
export function CallMark({ call }) {
  if (!call) return null;
  const words = [say(`call_${call.state}`), call.recording && say("call_recording"), call.silent && say("call_silent")].filter(Boolean);
  return html`<span class="call-mark" data-state=${call.state} data-silent=${call.silent} role="img" aria-label=${words.join(", ")} title=${words.join(", ")}>
    ${SHAPES[call.state]}${call.recording ? "●" : ""}${call.silent ? "…" : ""}</span>`;
}
