// What the frames have in common: they are called by the shop's page, and call our API.

/**
 * Answer calls by these names.
 * @param {Record<string, (given: any) => Promise<object>>} answers
 * @returns {(news: object) => void} Tell the page something by oneself.
 */
export const listen = (answers) => {
  /** @type {MessagePort | undefined} */
  let port;
  window.addEventListener("message", ({ data, ports }) => {
    if (data !== "talk" || port) return;
    [port] = ports;
    port.onmessage = async ({ data: { call, name, given } }) => {
      port?.postMessage({ call, answer: await answers[name](given) });
    };
  });
  window.parent.postMessage("listening", "*");
  return (news) => port?.postMessage({ news });
};

/**
 * Ask the API in the way of a browser, which has no secret key.
 * @param {string} path @param {string} key @param {Record<string, string>} fields
 * @returns {Promise<any>} The object, or an `error`.
 */
export const ask = async (path, key, fields) => {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}` },
      body: new URLSearchParams(fields),
    });
    return await response.json();
  } catch {
    return { error: { type: "api_connection_error", message: "The API does not answer." } };
  }
};

/**
 * Put texts in this language where the page has their names.
 * @param {Record<string, Record<string, string>>} texts @param {string} locale
 */
export const speak = (texts, locale) => {
  const language = locale.slice(0, 2).toLowerCase();
  const spoken = texts[language] ?? texts.en;
  document.documentElement.lang = texts[language] ? language : "en";
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = spoken[element.getAttribute("data-text") ?? ""];
  }
  return spoken;
};
