// chat/parts/chat-page.js - the whole page: who this is, how things stand, the talk, the field to write in
import { html } from "../../shared/html.js";
import { CallButton } from "./call-button.js";
import { Composer } from "./composer.js";
import { Header } from "./header.js";
import { PlaceState } from "./place-button.js";
import { Standing } from "./standing.js";
import { Talk } from "./talk.js";

/**
 * @param {object} props
 * @param {ReturnType<typeof import("../store.js").openChat>} props.chat
 * @param {ReturnType<typeof import("../../shared/uploads.js").openUploads>} props.uploads
 * @param {import("../calling.js").Calling} props.calling
 * @param {import("@preact/signals").Signal<Awaited<ReturnType<typeof import("../../elsewhere/chat-elsewhere.js").openChatElsewhere>> | null>} props.moving
 * @param {string} props.site
 * @param {string} props.notice
 */
export function ChatPage({ chat, uploads, calling, moving, site, notice }) {
  const conversation = chat.conversation.value;
  return html`<div class="chat">
    <${Header} site=${conversation?.site || site} chat=${chat} />
    <${Talk} chat=${chat} uploads=${uploads} notice=${conversation?.notice || notice} />
    <div class="foot">
      <${Standing} chat=${chat} moving=${moving} />
      <${CallButton} calling=${calling} />
      <${PlaceState} place=${chat.place} />
      <${Composer} chat=${chat} uploads=${uploads} />
    </div>
  </div>`;
}
