// wall/parts/listen.js - hear a call, unheard; what that needs is loaded when somebody wants it
import { useEffect, useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { CallMark } from "./call-mark.js";

const HEARD = ["connected", "held"]; // before, there is nothing to hear

/** @param {{wall: import("../wall.js").Wall, call: import("../types.js").WallCall}} props */
export function Listen({ wall, call }) {
  const [listening, setListening] = useState(/** @type {import("../../call/listening.js").Listening | null} */ (null));
  const [wanted, setWanted] = useState(false);
  useEffect(() => {
    if (!wanted) return;
    let over = false;
    /** @type {import("../../call/listening.js").Listening | null} */
    let opened = null;
    import("../../call/listening.js")
      .then(({ openListening }) => over || setListening((opened = openListening(wall, call.interaction_id, () => setWanted(false)))))
      .catch((reason) => (console.warn("listening is not loaded", reason), setWanted(false)));
    return () => {
      over = true;
      opened?.close();
      setListening(null);
    };
  }, [wanted, call.interaction_id]);
  const can = HEARD.includes(call.state);
  useEffect(() => void (can || setWanted(false)), [can]);
  return html`<fieldset class="act listen"><legend>${say("call")} <${CallMark} call=${call} /></legend>
    <p><button type="button" aria-pressed=${wanted} disabled=${!can || !wall.live.value} onClick=${() => setWanted(!wanted)}>${say(wanted ? "listen_stop" : "listen")}</button>
      <small class="hint">${say("listen_recorded")}</small></p>
    ${listening && html`<${listening.Row} listening=${listening} />`}
  </fieldset>`;
}
