// desk/parts/place.js - fetches what shows places when a conversation has the first one: most never have any
import { signal } from "@preact/signals";
import { html } from "../../shared/html.js";

/** @type {import("@preact/signals").Signal<typeof import("../../places/place-panel.js").PlacePanel | null>} */
const panel = signal(null);
let asked = false;

async function load() {
  asked = true;
  try {
    panel.value = (await import("../../places/place-panel.js")).PlacePanel;
  } catch {
    asked = false; // the site restarts: the next change asks again
  }
}

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function Place({ desk, conversation }) {
  const { place, interaction_id } = conversation;
  if (!place) return null;
  if (!asked) void load();
  if (!panel.value) return html`<p class="place-first"><bdi dir="ltr">${place.newest.decimal}</bdi></p>`;
  return html`<${panel.value} key=${interaction_id} desk=${desk} place=${place} />`;
}
