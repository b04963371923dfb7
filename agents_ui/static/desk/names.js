// desk/names.js - names the centre's plan gives to ids; an id without a name is shown itself

/** @param {import("../types.js").Named[] | undefined} list @param {string} id */
export const nameOf = (list, id) => list?.find((named) => named.id === id)?.name ?? id;

/** The language's name in the reader's own. @param {string} language ISO 639-1, or empty */
export function languageName(language) {
  if (!language) return "";
  try {
    return new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(language) ?? language;
  } catch {
    return language; // not a language code: better shown than hidden
  }
}
