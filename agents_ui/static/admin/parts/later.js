// admin/parts/later.js - a part whose module comes when it is first shown; tried again while the centre does not answer
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

const AGAIN_MS = 3000;

/**
 * @template {object} P
 * @param {() => Promise<import("preact").ComponentType<P>>} load
 */
export function later(load) {
  const loaded = signal(/** @type {{Part: import("preact").ComponentType<P>} | null} */ (null));
  let asked = false;
  const begin = () => {
    if (asked) return;
    asked = true;
    load().then((Part) => (loaded.value = { Part }), (reason) => {
      console.warn("a part of the page is not loaded yet", reason);
      setTimeout(() => ((asked = false), begin()), AGAIN_MS);
    });
  };
  return function Later(/** @type {P} */ props) {
    useEffect(begin, []);
    const part = loaded.value;
    return part ? html`<${part.Part} ...${props} />` : html`<p class="hint" role="status">${say("asking")}</p>`;
  };
}
