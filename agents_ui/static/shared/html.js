// shared/html.js - the one way pages write markup: htm over Preact; text is always text, never markup
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
