// desk/parts/shown-file.js - a picture, voice note or video in its place; where it cannot be shown, its name to save it
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{file: import("../../types.js").AttachedFile}} props */
export function ShownFile({ file }) {
  const [failed, setFailed] = useState(false);
  const { url, name, bytes, media_type, shows } = file;
  const source = `${url}&show=1`;
  const fail = () => setFailed(true);
  return html`<div class="message-file">
    ${!failed && shows === "image" && html`<a class="shown" href=${url} download=${name} aria-label=${say("file_save", { name })}>
      <img src=${source} alt=${name} loading="lazy" onError=${fail} /></a>`}
    ${!failed && shows === "audio" && html`<audio class="shown" controls preload="none" src=${source} aria-label=${name} onError=${fail}></audio>`}
    ${!failed && shows === "video" && html`<video class="shown" controls preload="none" src=${source} aria-label=${name} onError=${fail}></video>`}
    <p><a href=${url} download=${name}><bdi>${name || say("file")}</bdi></a>${" "}
      <small><bdi>${media_type}</bdi> · ${Math.max(1, Math.round(bytes / 1000))} kB</small></p>
  </div>`;
}
