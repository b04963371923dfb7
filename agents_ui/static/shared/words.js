// shared/words.js - the interface's words in the reader's language; English where a catalogue lacks one

/** @typedef {Record<string, string>} Catalogue */

/** Which catalogues there are, in words/; a language that is not here reads English. @type {Record<string, string[]>} */
const LANGUAGES = { chat: ["en", "es", "fr", "nl", "ar", "zh", "ru", "uk"], desk: ["en"], "call-desk": ["en"], "template-desk": ["en"], "elsewhere-desk": ["en"], "elsewhere-chat": ["en", "es", "fr", "nl", "ar", "zh", "ru", "uk"], "call-chat": ["en", "es", "fr", "nl", "ar", "zh", "ru", "uk"], wall: ["en"], admin: ["en"], "sites-admin": ["en"], "sign-in": ["en"] };
const RIGHT_TO_LEFT = ["ar"];

/** @type {Catalogue} */
const catalogue = {};
let plural = new Intl.PluralRules("en");

/**
 * Load the words of one page and say in the document which language they are in.
 * @param {string} page chat, desk, wall, admin or sign-in; call-… for what is loaded late
 */
export async function loadWords(page) {
  const language = chosenLanguage(LANGUAGES[page]);
  Object.assign(catalogue, (await import(`../words/${page}.en.js`)).words);
  if (language !== "en") await addTranslation(page, language);
}

/** @param {string} page @param {string} language */
async function addTranslation(page, language) {
  try {
    Object.assign(catalogue, (await import(`../words/${page}.${language}.js`)).words);
  } catch (reason) {
    console.warn("no words in", language, reason); // English words are better than no page
    return;
  }
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
}

/**
 * The text for a key, with {name} replaced by values. With a count, the key's plural form for it.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  const form = typeof values.count === "number" ? `${key}.${plural.select(values.count)}` : key;
  const text = catalogue[form] ?? catalogue[`${key}.other`] ?? catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Whether a key has words; for codes that a newer server may know better than this page. @param {string} key */
export const hasWords = (key) => key in catalogue;

/** ?lang=nl goes before the browser's list, so that a desk or a leaflet can choose. @param {string[]} languages */
function chosenLanguage(languages) {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [...(asked ? [asked] : []), ...navigator.languages];
  const bare = wanted.map((tag) => tag.toLowerCase().split("-")[0]);
  return bare.find((tag) => languages.includes(tag)) ?? "en";
}
