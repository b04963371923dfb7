// desk/parts/bar.js - the top of the desk: site, queues, sound, colours, keys, presence, sign-out
import { html } from "../../shared/html.js";
import { ThemeToggle } from "../../shared/theme-toggle.js";
import { say } from "../../shared/words.js";
import { panel, WITH } from "../keys.js";
import { Presence } from "./presence.js";
import { QueueStrip } from "./queue-strip.js";

/** @param {{desk: import("../desk.js").Desk}} props */
export function Bar({ desk }) {
  return html`<header class="bar">
    <h1 dir="auto">${desk.store.words.value?.site}</h1>
    <${QueueStrip} desk=${desk} />
    <div class="tools">
      <${SoundButton} sound=${desk.sound} />
      <${ThemeToggle} />
      <button type="button" class="icon-button" aria-label=${say("keys")} title=${say("keys")}
        onClick=${() => (panel.value = "keys")}><b aria-hidden="true">?</b></button>
    </div>
    <${Presence} desk=${desk} />
  </header>`;
}

/** @param {{sound: import("../desk.js").Desk["sound"]}} props */
function SoundButton({ sound }) {
  const state = sound.muted.value ? "sound_off" : sound.ready.value ? "sound_on" : "sound_waits";
  const label = say(state);
  return html`<button type="button" class="icon-button sound" data-state=${state} onClick=${sound.toggle}
    aria-label=${label} aria-pressed=${sound.muted.value} title=${`${label} (${WITH}+M)`}>
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
      <path d="M3 7.5h3l4-3.5v12l-4-3.5H3z" fill="currentColor" />
      ${state === "sound_on"
        ? html`<path d="M12.5 7a4 4 0 0 1 0 6M14.5 4.5a7.5 7.5 0 0 1 0 11" class="wave" />`
        : html`<path d="M12.5 7.5l5 5m0-5l-5 5" class="wave" />`}
    </svg>
    ${state === "sound_waits" && html`<span>${say("sound_press")}</span>`}
  </button>`;
}
