// desk/sound.js - an offer can be heard, differently by urgency; browsers allow sound only after a gesture
import { effect, signal } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";


/** Tones of one round, as [hertz, start, length in seconds], by urgency; how often a round comes, in seconds. */
const ROUNDS = {
  1: { every_s: 1.2, tones: [[988, 0, 0.14], [740, 0.16, 0.14], [988, 0.32, 0.14], [740, 0.48, 0.2]] },
  2: { every_s: 1.8, tones: [[880, 0, 0.16], [660, 0.2, 0.16], [880, 0.4, 0.24]] },
  3: { every_s: 3, tones: [[660, 0, 0.2], [880, 0.24, 0.3]] },
  4: { every_s: 4, tones: [[587, 0, 0.25]] },
  5: { every_s: 6, tones: [[494, 0, 0.2]] },
};
const MESSAGE = [[1175, 0, 0.06]];
const RING_S = 2; // of a telephone's ring, with its pause
const BURSTS = [[0, 0.4], [0.6, 1]];
const EDGE_S = 0.012;
const LOUDNESS = { 1: 0.35, 2: 0.3, 3: 0.22, 4: 0.18, 5: 0.12 };

/** @param {{key?: string, silent?: boolean}} [options] where the choice is kept, and what holds until one is made */
export function openSound({ key = "muster.desk.muted", silent = false } = {}) {
  const muted = signal(kept(localStorage, key, silent));
  const ready = signal(false); // false: the browser still waits for a key or a click
  /** @type {AudioContext | null} */
  let context = null;
  let ringing = 0;
  /** @type {import("@preact/signals").Signal<{offer_id: string, channel?: string} | undefined>} */
  const rings_for = signal(undefined);
  /** @type {AudioBufferSourceNode | null} */
  let bell = null;

  async function wake() {
    try {
      context ??= new AudioContext();
      if (context.state === "suspended") await context.resume();
    } catch (reason) {
      console.warn("no sound on this machine", reason);
    }
    ready.value = context?.state === "running";
    if (!ready.value) return;
    removeEventListener("pointerdown", wake);
    removeEventListener("keydown", wake);
  }
  addEventListener("pointerdown", wake);
  addEventListener("keydown", wake);
  effect(ringBell);
  wake(); // where somebody has just signed in, browsers allow it at once

  /** @param {number[][]} tones @param {number} loudness */
  function play(tones, loudness) {
    if (!context || muted.value || context.state !== "running") return;
    for (const [hertz, start, length] of tones) tone(context, hertz, context.currentTime + start, length, loudness);
  }

  return {
    muted,
    ready,
    toggle() {
      muted.value = !muted.value;
      keep(localStorage, key, muted.value === silent ? undefined : muted.value);
    },
    message: () => play(MESSAGE, LOUDNESS[5]),
    /** Ring for this offer until told otherwise, a call like a telephone. @param {{offer_id: string, urgency: number, channel?: string} | undefined} offer */
    ring(offer) {
      if (offer?.offer_id === rings_for.peek()?.offer_id) return;
      clearInterval(ringing);
      rings_for.value = offer;
      if (!offer || offer.channel === "voice") return;
      const urgency = /** @type {1 | 2 | 3 | 4 | 5} */ (offer.urgency);
      const round = ROUNDS[urgency] ?? ROUNDS[3];
      const once = () => play(round.tones, LOUDNESS[urgency] ?? LOUDNESS[3]);
      once();
      ringing = setInterval(once, round.every_s * 1000);
    },
  };

  /** A loop in the sound card: it rings on where the browser slows down the timers of a page in the background. */
  function ringBell() {
    bell?.stop();
    bell = null;
    if (rings_for.value?.channel !== "voice" || muted.value || !ready.value || !context) return;
    bell = new AudioBufferSourceNode(context, { buffer: telephone(context), loop: true });
    bell.connect(context.destination);
    bell.start();
  }
}

/** Two bursts of two tones that beat against each other, as telephones ring, and a pause. @param {AudioContext} context */
function telephone({ sampleRate }) {
  const buffer = new AudioBuffer({ length: RING_S * sampleRate, sampleRate });
  const samples = buffer.getChannelData(0);
  for (let index = 0; index < samples.length; index++) {
    const at = index / sampleRate;
    const burst = BURSTS.find(([start, end]) => at >= start && at < end);
    if (!burst) continue;
    const edge = Math.min(1, (at - burst[0]) / EDGE_S, (burst[1] - at) / EDGE_S);
    samples[index] = edge * LOUDNESS[1] * 0.5 * (Math.sin(2 * Math.PI * 440 * at) + Math.sin(2 * Math.PI * 480 * at));
  }
  return buffer;
}

/** One soft-edged tone. @param {AudioContext} context @param {number} hertz @param {number} at @param {number} length @param {number} loudness */
function tone(context, hertz, at, length, loudness) {
  const source = context.createOscillator();
  const gain = context.createGain();
  source.type = "triangle";
  source.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loudness, at + 0.012); // ramps: a hard edge is heard as a click
  gain.gain.setValueAtTime(loudness, at + length - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + length);
  source.connect(gain).connect(context.destination);
  source.start(at);
  source.stop(at + length + 0.02);
}
