// shared/ask.js - JSON requests that change something: the header our server asks for, and always an answer

/**
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<{status: number, body: any}>} any: each route has its own answer; status 0 when nobody answered
 */
export async function ask(path, body = {}) {
  try {
    const response = await fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-Muster": "1" },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json().catch(() => ({})) };
  } catch (reason) {
    console.warn(path, reason);
    return { status: 0, body: {} };
  }
}
