// places/place-panel.js - where the customer is said to be: newest and tightest, how old, how exact, by whom; to copy
import { useState } from "preact/hooks";
import { html } from "../shared/html.js";
import { say } from "../shared/words.js";
import { PointRow } from "./point-row.js";
import { Sketch } from "./sketch.js";
import { Way } from "./way.js";

/** @param {{desk: import("../desk/desk.js").Desk, place: import("./types.js").Placed}} props */
export function PlacePanel({ desk, place }) {
  const { newest, tightest, points } = place;
  const [open, setOpen] = useState(false);
  const both = tightest !== null && tightest.place_id === newest.place_id;
  const apart = tightest !== null && !both;
  const toggle = () => setOpen(!open);
  return html`<section class="place" aria-label=${say("place")}>
    <${PointRow} desk=${desk} point=${newest} label=${say(both ? "place_both" : apart ? "place_newest" : "place_only")} mark="●" />
    ${apart && html`<${PointRow} desk=${desk} point=${tightest} label=${say("place_tightest")} mark="◎" />`}
    <button type="button" class="small place-more" aria-expanded=${open} onClick=${toggle}>
      ${say(open ? "place_less" : "place_more", { count: points.length })}</button>
    ${open && html`<div class="place-way">
      <${Sketch} place=${place} />
      <${Way} points=${points} />
    </div>`}
  </section>`;
}
