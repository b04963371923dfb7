// wall/parts/levels.js - service levels: the share answered in time beside the share that was promised
import { html } from "../../shared/html.js";
import { clockTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { percent } from "../names.js";
import { Figure } from "./figure.js";

const SIGNS = { true: "✓", false: "▼", null: "" };
const TONES = { true: "good", false: "alarm", null: "" };

/** @param {{day: import("../types.js").Day, labelled?: boolean, stop?: number}} props */
export function Levels({ day, labelled = false, stop = 0 }) {
  return html`${day.levels.map((level) => {
    const held = /** @type {"true" | "false" | "null"} */ (String(level.held));
    const promise = say("promise", { percent: level.percent, within: within(level.within_ms) });
    const explain = say(level.due ? "x_level" : "x_level_none", {
      name: level.name,
      percent: level.percent,
      due: level.due,
      met: percent(level.met_pm),
      only: percent(level.answered_only_pm),
      since: clockTime(day.since_ms),
      within: level.within,
      time: within(level.within_ms),
      held: say(`held_${held}`),
    });
    return html`<${Figure} key=${level.name} kind="level" tone=${TONES[held]} stop=${stop} label=${labelled ? promise : ""} explain=${explain}>
      ${percent(level.met_pm)} <span aria-hidden="true">${SIGNS[held]}</span>${!labelled && html` <small>${promise}</small>`}
    <//>`;
  })}`;
}

/** 15 s, 5 min. @param {number} ms */
const within = (ms) => (ms % 60_000 ? say("seconds", { count: ms / 1000 }) : say("minutes", { count: ms / 60_000 }));
