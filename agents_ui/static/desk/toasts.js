// desk/toasts.js - short words about what just happened; they go by themselves
import { signal } from "@preact/signals";

const SHOWN_MS = 8000;

/** @typedef {{id: number, text: string, tone: "good" | "alarm"}} Toast */

export function openToasts() {
  /** @type {import("@preact/signals").Signal<Toast[]>} */
  const toasts = signal([]);
  let count = 0;
  /** @param {number} id */
  const drop = (id) => (toasts.value = toasts.value.filter((toast) => toast.id !== id));
  return {
    toasts,
    drop,
    /** @param {string} text @param {Toast["tone"]} tone */
    show(text, tone) {
      const id = ++count;
      toasts.value = [...toasts.value.filter((toast) => toast.text !== text), { id, text, tone }];
      setTimeout(() => drop(id), SHOWN_MS);
    },
  };
}
