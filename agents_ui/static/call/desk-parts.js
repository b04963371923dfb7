// call/desk-parts.js - what the desk shows of calls, apart from what happens: loaded together with it
import { DigitsPanel } from "./parts/digits-panel.js";
import { ForwardPanel } from "./parts/forward-panel.js";

export { CallBar } from "./parts/call-bar.js";
export { CallStrip } from "./parts/call-strip.js";

/** By the name under which `panel` opens them. */
export const panels = { digits: DigitsPanel, forward: ForwardPanel };
