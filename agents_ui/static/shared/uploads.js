// shared/uploads.js - files on their way to the server: progress, trying again, giving up
import { signal } from "@preact/signals";
import { uniqueId } from "./unique.js";

/**
 * @typedef {object} Upload
 * @property {string} client_id
 * @property {File} file
 * @property {number} done 0 to 1
 * @property {"sending" | "failed" | "refused"} state failed: may be tried again; refused: may not
 * @property {string} why
 * @property {string} [interaction_id] desk only
 */

/**
 * Uploads under way. An upload leaves the list when the server has it: it is a message then.
 * @param {(upload: Upload) => string} address where it is posted to
 */
export function openUploads(address) {
  /** @type {import("@preact/signals").Signal<Upload[]>} */
  const uploads = signal([]);
  /** @type {Map<string, XMLHttpRequest>} */
  const requests = new Map();

  /** @param {string} client_id @param {Partial<Upload>} change */
  function mark(client_id, change) {
    uploads.value = uploads.value.map((one) => (one.client_id === client_id ? { ...one, ...change } : one));
  }

  /** @param {string} client_id */
  function remove(client_id) {
    requests.get(client_id)?.abort();
    requests.delete(client_id);
    uploads.value = uploads.value.filter((one) => one.client_id !== client_id);
  }

  /** fetch cannot tell how far an upload is; XMLHttpRequest can. @param {Upload} upload */
  function send(upload) {
    const { client_id, file } = upload;
    const request = new XMLHttpRequest();
    requests.set(client_id, request);
    mark(client_id, { state: "sending", done: 0, why: "" });
    request.upload.onprogress = (event) => event.total && mark(client_id, { done: event.loaded / event.total });
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) remove(client_id);
      else mark(client_id, { state: mayTryAgain(request.status) ? "failed" : "refused", why: reason(request) });
    };
    request.onerror = () => mark(client_id, { state: "failed" });
    request.open("POST", address(upload));
    request.setRequestHeader("X-Muster", "1");
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.send(file);
  }

  return {
    uploads,
    remove,
    again: send,
    /** After a reconnect: what the connection broke off is begun anew, with the same id. */
    allAgain: () => uploads.peek().filter((one) => one.state === "failed").forEach(send),
    /** @param {File} file @param {string} refused words, when it cannot be sent at all; else empty @param {string} [interaction_id] */
    add(file, refused, interaction_id = "") {
      const upload = /** @type {Upload} */ ({
        client_id: uniqueId(),
        file,
        done: 0,
        state: refused ? "refused" : "sending",
        why: refused,
        interaction_id,
      });
      uploads.value = [...uploads.value, upload];
      if (!refused) send(upload);
    },
  };
}

/** @param {number} status */
const mayTryAgain = (status) => status >= 500 || status === 408 || status === 429;

/** @param {XMLHttpRequest} request */
function reason(request) {
  try {
    return JSON.parse(request.responseText).text ?? "";
  } catch {
    return ""; // not our words: the page has its own
  }
}
